import { blocks } from '../pieces/blocks.ts';
import { lives, vacancy, wake } from '../pieces/lives.ts';
import { lua } from '../pieces/lua.ts';
import { recordFormat, records } from '../pieces/records.ts';
import { start } from '../pieces/start.ts';

/**
 * Carries an order to a part of its target: to the ids given, or to so many with the tag, after an id. Answers how many
 * it reached, and of a tag where the next step goes on (an id, or nothing at the end).
 */
export const order = lua`${start}${recordFormat}${records}${blocks}${lives}${vacancy}${wake}
local from, order, tag, after, limit = ARGV[2], cjson.decode(ARGV[3]), ARGV[4], ARGV[5], tonumber(ARGV[6])

local ids, nextId = {}, ''
if tag ~= '' then
  local prefix = 't' .. string.sub(tag, 2) .. '\0'
  for i, entry in ipairs(call('ZRANGEBYLEX', INDEX, '(' .. prefix .. after, '[' .. prefix .. '\255', 'LIMIT', 0, limit)) do
    ids[i] = string.sub(entry, #prefix + 1)
  end
  if #ids == limit then nextId = ids[#ids] end
else
  for i = 7, #ARGV do ids[i - 6] = ARGV[i] end
end

-- Leaves it for the holder. A later one of the same kind and site takes the place of the earlier.
local function leave(r)
  local more, left = moreOf(r), {}
  for _, other in ipairs(more.orders or {}) do
    if other.kind ~= order.kind or other.site ~= order.site then left[#left + 1] = other end
  end
  left[#left + 1] = order
  more.orders = left
  setMore(r, more)
  save(r)
end

-- Answers whether a living session was reached.
local function give(r)
  if r.status ~= 'usable' then return false end
  if isLeased(r) then
    leave(r)
    return true
  end
  r.due = tonumber(call('ZSCORE', DUE, r.id))
  if r.isHeld and not recover(r) then return true end
  obey(r, order)
  return true
end

-- Answers whether a dead session lives again. One whose key somebody living has stays dead.
local function revive(r)
  if r.status == 'usable' then return false end
  local key, tag = keyAndTag(r)
  if key and call('HEXISTS', DATA, 'k' .. key) == 1 then return false end
  local limit = textOf(order.limit)
  if limit and taken() >= limit then return false end
  if r.status == 'expired' or isExpired(r) then
    local life = textOf(order.expiresInMs)
    r.expires = life and msIn(life) or -1
  end
  if r.status == 'used-up' or isUsedUp(r) then r.uses = 0 end
  r.status, r.score, r.isHeld, r.more = 'usable', 0, false, ''
  save(r)
  call('ZREM', DEAD, r.id)
  moveTo(r, tick)
  if r.expires >= 0 then call('ZADD', EXPIRY, r.expires, r.id) end
  if key then call('HSET', DATA, 'k' .. key, r.id) end
  if tag then countTag(tag, 1) end
  return true
end

local reached, seen = 0, {}
for _, id in ipairs(ids) do
  local r = not seen[id] and read(id)
  seen[id] = true
  if r then
    local isReached
    if order.kind == 'revive' then isReached = revive(r) else isReached = give(r) end
    if isReached then
      reached = reached + 1
      -- The next stands behind it.
      tick = tick + 1
    end
  end
end
if reached > 0 then wake(from) end
return { reached, nextId }
`;
