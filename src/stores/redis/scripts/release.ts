import { blocks } from '../pieces/blocks.ts';
import { lives } from '../pieces/lives.ts';
import { lua } from '../pieces/lua.ts';
import { recordFormat, records, retag } from '../pieces/records.ts';
import { start } from '../pieces/start.ts';

/**
 * Gives sessions or places back, so many in one call, if their leases still hold. Answers for each: 1 released, 2 ordered,
 * 0 lost. The common case, a good use and no order waits, is written out above what the others need, with one command of
 * each kind for all.
 */
export const release = lua`${start}${recordFormat}
local from = ARGV[2]
-- Each takes eight arguments: id, token, fence, flags (b: has a body, r: asked before, n: as it was), uses, score, what is
-- rarer (status, reason, rest, blocks, tag) as JSON or nothing, and the body.
local FIRST, EACH = 3, 8

local fields = {}
for first = FIRST, #ARGV, EACH do fields[#fields + 1] = 'r' .. ARGV[first] end
local stored = call('HMGET', DATA, '#waiting', unpack(fields))
local isAwaited = stored[1] and tonumber(stored[1]) > tick

local answers, written, dues, seen, isDone = {}, {}, {}, {}, true
for n, field in ipairs(fields) do
  local first = FIRST + (n - 1) * EACH
  local token, flags = ARGV[first + 1], ARGV[first + 3]
  local raw, isPlain = stored[n + 1], false
  -- One who gives the same back twice at once finds it gone at the second.
  if raw and ARGV[first + 6] == '' and not seen[field] and (flags == 'b' or flags == '') then
    local held, recovered, status, fence, _, maxUses, _, expires, created, till, since, storedToken, holder, texts, more =
      struct.unpack(FORMAT, raw)
    local uses = tonumber(ARGV[first + 4])
    isPlain = held == 1 and storedToken == token and fence == tonumber(ARGV[first + 2]) and till > dueNow and more == ''
      and (maxUses < 0 or uses < maxUses) and (expires < 0 or expires > now)
    if isPlain then
      written[#written + 1] = field
      written[#written + 1] = struct.pack(FORMAT, 0, recovered, status, fence, uses, maxUses, tonumber(ARGV[first + 5]), expires,
        created, till, since, #token, token, #holder, holder, #texts, texts, 0, '')
      if flags == 'b' then
        written[#written + 1] = 'b' .. ARGV[first]
        written[#written + 1] = ARGV[first + 7]
      end
      dues[#dues + 1] = string.format('%d', tick + n - 1)
      dues[#dues + 1] = ARGV[first]
      answers[n] = 1
    end
  end
  seen[field] = true
  if not isPlain then
    answers[n] = false
    isDone = false
  end
end
if written[1] then
  call('HSET', DATA, unpack(written))
  call('ZADD', DUE, unpack(dues))
end
if isDone then
  if isAwaited then redis.pcall('PUBLISH', DUE, from) end
  return answers
end
${records}${retag}${blocks}${lives}
local function releasePlace(token, isRepeat)
  local till = call('ZSCORE', PLACES, token)
  if not till then return isRepeat and 1 or 0 end
  if tonumber(till) <= dueNow then return 0 end
  call('ZREM', PLACES, token)
  return 1
end

local function releaseOne(first)
  local id, token, flags, rare = ARGV[first], ARGV[first + 1], ARGV[first + 3], ARGV[first + 6]
  local isRepeat = string.find(flags, 'r', 1, true)
  if string.sub(token, 1, 1) == '.' then return releasePlace(token, isRepeat) end

  local r = read(id)
  if not r or r.token ~= token or r.fence ~= tonumber(ARGV[first + 2]) then return 0 end
  -- The token stays after the end of the lease: so a release whose answer was lost on the way is known again.
  if not r.isHeld then return isRepeat and 1 or 0 end
  if not isLeased(r) then return 0 end

  local change = rare ~= '' and cjson.decode(rare) or {}
  local orders = moreOf(r).orders
  r.isHeld, r.more = false, ''
  if not string.find(flags, 'n', 1, true) then r.uses, r.score = tonumber(ARGV[first + 4]), tonumber(ARGV[first + 5]) end
  if string.find(flags, 'b', 1, true) then call('HSET', DATA, 'b' .. id, ARGV[first + 7]) end
  if change.tag then retag(r, change.tag) end
  if change.status then
    die(r, change.status, textOf(change.reason))
    return 1
  end
  moveTo(r, tick)
  if change.restMs and change.restMs > 0 then
    moveTo(r, tickIn(change.restMs))
    noteRest(r, r.due)
  end
  for _, block in ipairs(change.blocks or {}) do setBlock(id, block.site, textOf(block.ms)) end
  local isOrdered = obeyWaiting(r, orders)
  if not isOrdered and survives(r) then save(r) end
  return isOrdered and 2 or 1
end

for n, answer in ipairs(answers) do
  if not answer then answers[n] = releaseOne(FIRST + (n - 1) * EACH) end
  tick = tick + 1
end
if isAwaited then redis.pcall('PUBLISH', DUE, from) end
return answers
`;
