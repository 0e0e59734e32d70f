import { blocks } from '../pieces/blocks.ts';
import { lives, wake } from '../pieces/lives.ts';
import { lua } from '../pieces/lua.ts';
import { recordFormat, records } from '../pieces/records.ts';
import { start } from '../pieces/start.ts';

/**
 * Gives a session or a place back, if the lease still holds: 1 released, 2 ordered, 0 lost. The common case, a good use and
 * no order waits, is written out above what the others need.
 */
export const release = lua`${start}${recordFormat}
local id, token, fence, from, isRepeat = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6] == '1'
-- Empty where the session goes back as it was.
local uses, score = tonumber(ARGV[7]), tonumber(ARGV[8])
-- What is rarer (status, reason, rest, blocks) as JSON, and the body; empty or absent where there is none.
local rare, body = ARGV[9], ARGV[10]

local stored = call('HMGET', DATA, 'r' .. id, '#waiting')
if stored[1] and uses and rare == '' then
  local held, recovered, status, storedFence, _, maxUses, _, expires, created, till, since, storedToken, holder, texts, more =
    struct.unpack(FORMAT, stored[1])
  if held == 1 and storedToken == token and storedFence == fence and till > dueNow and more == ''
    and (maxUses < 0 or uses < maxUses) and (expires < 0 or expires > now) then
    local record = struct.pack(FORMAT, 0, recovered, status, fence, uses, maxUses, score, expires, created, till, since,
      #token, token, #holder, holder, #texts, texts, 0, '')
    if body then call('HSET', DATA, 'r' .. id, record, 'b' .. id, body) else call('HSET', DATA, 'r' .. id, record) end
    call('ZADD', DUE, tick, id)
    if stored[2] and tonumber(stored[2]) > tick then redis.pcall('PUBLISH', DUE, from) end
    return 1
  end
end
${records}${blocks}${lives}${wake}
if string.sub(token, 1, 1) == '.' then
  local till = call('ZSCORE', PLACES, token)
  if not till then return isRepeat and 1 or 0 end
  if tonumber(till) <= dueNow then return 0 end
  call('ZREM', PLACES, token)
  wake(from)
  return 1
end

local r = stored[1] and unpacked(id, stored[1])
if not r or r.token ~= token or r.fence ~= fence then return 0 end
-- The token stays after the end of the lease: so a release whose answer was lost on the way is known again.
if not r.isHeld then return isRepeat and 1 or 0 end
if not isLeased(r) then return 0 end

local change = rare ~= '' and cjson.decode(rare) or {}
local orders = moreOf(r).orders
r.isHeld, r.more = false, ''
if uses then r.uses, r.score = uses, score end
if body then call('HSET', DATA, 'b' .. id, body) end
if change.status then
  die(r, change.status, textOf(change.reason))
  wake(from)
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
wake(from)
return isOrdered and 2 or 1
`;
