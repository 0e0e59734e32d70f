import { blocks } from '../pieces/blocks.ts';
import { lives, vacancy } from '../pieces/lives.ts';
import { lua } from '../pieces/lua.ts';
import { recordFormat, records } from '../pieces/records.ts';
import { retry } from '../pieces/retry.ts';
import { start } from '../pieces/start.ts';
import { walk } from '../pieces/walk.ts';

/**
 * Leases sessions, or reserves places, for so many who ask for the same: one answer for each. Most often the first in the
 * queue will do: that way is written out, above all that the others need, because Lua makes each function anew in each
 * call, and with one command of each kind for all who ask.
 */
export const lease = lua`${start}${recordFormat}
local leaseMs, holder, mode, limit, site, wanted = tonumber(ARGV[2]), ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7]
-- The tokens that they bring stand behind.
local BEFORE = 7
local asked, answers = #ARGV - BEFORE, {}
local rotation = string.sub(mode, 1, 1)
local isFillFirst = limit and string.find(mode, 'F', 1, true)
local till = tickIn(leaseMs)

-- Somebody is blocked for the asked site only if it has a number.
local number = site ~= '' and call('HGET', DATA, 's' .. site)

-- What a new holder is told: numbers, and the texts as they were given. Most numbers are whole, and %d takes a tenth of the
-- time of %.17g (and of what Redis does with a number that it is given: hence the texts of ticks).
local function answer(fence, uses, score, recovered, created, expires, maxUses, texts, body)
  local scoreText = string.format(score % 1 == 0 and '%d' or '%.17g', score)
  return { string.format('[%d,%d,%d,%s,%d,%d,%d,%d,%s]', now, fence, uses, scoreText, recovered, created, expires, maxUses, texts), body }
end

if not number and not isFillFirst and wanted == '' and rotation ~= 'r' then
  -- Without their scores, of which to write and to read each takes longer than all else about it.
  local ids
  if rotation == 'f' then ids = call('ZRANGEBYSCORE', DUE, '-inf', dueNow, 'LIMIT', 0, asked)
  else ids = call('ZREVRANGEBYSCORE', DUE, dueNow, '-inf', 'LIMIT', 0, asked) end
  local fields = {}
  for i, id in ipairs(ids) do
    fields[i * 2 - 1], fields[i * 2] = 'r' .. id, 'b' .. id
  end
  local stored = fields[1] and call('HMGET', DATA, unpack(fields)) or {}
  local written, dues, tillText = {}, {}, string.format('%d', till)
  for i = 1, #stored, 2 do
    local held, recovered, status, fence, uses, maxUses, score, expires, created, _, _, _, _, texts, more =
      struct.unpack(FORMAT, stored[i])
    if held == 1 or maxUses >= 0 and uses >= maxUses or expires >= 0 and expires <= now then break end
    local n = #answers + 1
    local token = ARGV[BEFORE + n]
    written[i], written[i + 1] = fields[i], struct.pack(FORMAT, 1, 0, status, fence + 1, uses, maxUses, score, expires, created,
      till, now, #token, token, #holder, holder, #texts, texts, #more, more)
    dues[i], dues[i + 1] = tillText, ids[(i + 1) / 2]
    answers[n] = answer(fence + 1, uses, score, recovered, created, expires, maxUses, texts, stored[i + 1])
  end
  if written[1] then
    call('HSET', DATA, unpack(written))
    call('ZADD', DUE, unpack(dues))
  end
  if #answers == asked then return answers end
end

-- Records that this call may still look at, a fifth of what the contract allows: some 0.15 ms, so that others wait for less than
-- one also where the server is slow. One that is leased or ends on the way counts for five: that is what it costs.
local budget = 48
${records}${blocks}${lives}${vacancy}${walk}${retry}
-- Until when the session is blocked for the asked site; nil if it is not.
local function blockedUntil(id)
  if not number then return nil end
  local text = call('HGET', DATA, 'x' .. id)
  local untilAt, since = blockIn(text, number)
  if untilAt and untilAt <= now then
    dropBlock(id, text, number, untilAt, since)
    return nil
  end
  return untilAt
end

-- Hands a session out that is due; nil if it must not be: it is over, or an order waited.
local function take(id, due, token)
  local r = read(id)
  r.due = due
  if r.isHeld then
    local hadOrders = r.more ~= ''
    if not recover(r) or r.due > dueNow then return nil end
    if hadOrders and blockedUntil(id) then return nil end
  elseif not survives(r) then
    return nil
  end
  local recovered = r.isRecovered and 1 or 0
  r.isHeld, r.isRecovered, r.fence, r.till, r.since, r.token, r.holder = true, false, r.fence + 1, till, now, token, holder
  save(r)
  call('ZADD', DUE, till, id)
  return answer(r.fence, r.uses, r.score, recovered, r.created, r.expires, r.maxUses, r.texts, call('HGET', DATA, 'b' .. id))
end

local function hasRoom()
  return taken() < limit
end

-- A place is a member of its own, with the token and whose it is.
local function reserve(token)
  local over = call('ZRANGEBYSCORE', PLACES, '-inf', dueNow, 'LIMIT', 0, 16)
  if #over > 0 then call('ZREM', PLACES, unpack(over)) end
  call('ZADD', PLACES, till, '.' .. token .. ' ' .. holder)
  return string.format('["vacant",%d]', now)
end

local function none(retryInMs)
  if string.find(mode, 'w', 1, true) then call('HSET', DATA, '#waiting', tickIn(60000), '#version', VERSION) end
  return string.format('["none",%s]', retryInMs and string.format('%d', retryInMs) or 'null')
end

-- A session whose rest for the site is over. Such a one stands where the walk has already passed, so they come first.
local function nextRested()
  local prefix = 'x' .. number .. ':r'
  while budget > 0 do
    local ended = call('ZRANGEBYLEX', INDEX, '[' .. prefix, '[' .. prefix .. string.format('%013d', now) .. ':\255', 'LIMIT', 0, 8)
    if #ended == 0 then return nil end
    for _, entry in ipairs(ended) do
      local id = string.sub(entry, #prefix + 15)
      local text = call('HGET', DATA, 'x' .. id)
      local untilAt, since = blockIn(text, number)
      dropBlock(id, text, number, untilAt, since)
      budget = budget - 1
      local due = tonumber(call('ZSCORE', DUE, id))
      if due <= dueNow then return id, due end
    end
  end
  return 'again'
end

-- A few tries by chance, before the order of the queue decides.
local function probe(token)
  -- Redis starts its random numbers anew in each call.
  math.randomseed(tonumber(string.sub(redis.sha1hex(token), 1, 7), 16))
  local ready = call('ZCOUNT', DUE, '-inf', dueNow)
  for _ = 1, ready > 0 and 8 or 0 do
    local rank = math.random(0, ready - 1)
    local one = call('ZRANGE', DUE, rank, rank, 'WITHSCORES')
    budget = budget - 1
    if not blockedUntil(one[1]) then return one[1], tonumber(one[2]) end
  end
  return nil
end

local function nextCandidate(token)
  if budget <= 0 then return 'again' end
  local id, due
  if number then
    id, due = nextRested()
    if id then return id, due end
  end
  if rotation == 'r' then
    id, due = probe(token)
    if id then return id, due end
  end
  if number then return nextUnblocked(number, rotation == 'l') end
  local one = rotation == 'l' and call('ZREVRANGEBYSCORE', DUE, dueNow, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
    or call('ZRANGEBYSCORE', DUE, '-inf', dueNow, 'WITHSCORES', 'LIMIT', 0, 1)
  return one[1], tonumber(one[2])
end

local function leaseWanted(token)
  local due = tonumber(call('ZSCORE', DUE, wanted) or nil)
  if not due then return none(nil) end
  local blocked = blockedUntil(wanted)
  if due > dueNow or blocked then return none(retryOneInMs(wanted, due, blocked)) end
  local leased = take(wanted, due, token)
  if leased then return leased end
  due = tonumber(call('ZSCORE', DUE, wanted) or nil)
  return none(due and retryOneInMs(wanted, due, blockedUntil(wanted)) or nil)
end

local function leaseAny(token)
  if isFillFirst then
    budget = budget - buryExpired(8) * 4
    if hasRoom() then return reserve(token) end
  end
  while true do
    local id, due = nextCandidate(token)
    if id == 'again' then return '["again"]' end
    if not id then break end
    local leased = take(id, due, token)
    budget = budget - 4
    if leased then return leased end
  end

  -- Who is blocked for the site was passed by without a look at whether it lives.
  if number and not allSettled() then return '["again"]' end
  local expired = buryExpired(16)
  if limit and hasRoom() then return reserve(token) end
  if expired == 16 then return '["again"]' end

  -- Where every living session is banned for good, the one banned longest among those that nobody holds makes room.
  local living = call('ZCARD', DUE)
  local isAllBanned = limit and number and living > 0 and tonumber(call('HGET', DATA, 'h' .. number) or 0) >= living
  if isAllBanned then
    local prefix = 'x' .. number .. ':b'
    for _, entry in ipairs(call('ZRANGEBYLEX', INDEX, '[' .. prefix, '[' .. prefix .. ':', 'LIMIT', 0, math.max(budget, 1))) do
      local r = read(string.sub(entry, #prefix + 18))
      if not isLeased(r) then
        die(r, 'retired', 'made room')
        budget = budget - 4
        if hasRoom() then return reserve(token) end
        if budget <= 0 then return '["again"]' end
      end
    end
  end
  return none(retryInMs(not isAllBanned and number, limit))
end

local isRefused = false
-- Where there is none for one, there is none for the others.
for n = #answers + 1, asked do
  local token = ARGV[BEFORE + n]
  if isRefused then answers[n] = answers[n - 1]
  elseif wanted ~= '' then answers[n] = leaseWanted(token)
  else answers[n] = leaseAny(token) end
  isRefused = type(answers[n]) == 'string' and string.sub(answers[n], 1, 9) ~= '["vacant"'
end
return answers
`;
