import { lua } from '../pieces/lua.ts';
import { recordFormat, records } from '../pieces/records.ts';
import { start } from '../pieces/start.ts';

/** Extends a lease, of a session or a place. 0: lost; 1: held; or the JSON of the order that waits for its holder. */
export const renew = lua`${start}${recordFormat}${records}
local id, token, fence, till, body = ARGV[2], ARGV[3], tonumber(ARGV[4]), tickIn(tonumber(ARGV[5])), ARGV[6]

if string.sub(token, 1, 1) == '.' then
  local before = tonumber(call('ZSCORE', PLACES, token) or nil)
  if not before or before <= dueNow then return 0 end
  call('ZADD', PLACES, till, token)
  return 1
end

local r = read(id)
if not r or r.token ~= token or r.fence ~= fence or not isLeased(r) then return 0 end
r.till = till
save(r)
call('ZADD', DUE, till, id)
if body then call('HSET', DATA, 'b' .. id, body) end
local orders = moreOf(r).orders
if not orders then return 1 end
for _, order in ipairs(orders) do
  if order.kind == 'retire' then return cjson.encode(order) end
end
return cjson.encode(orders[#orders])
`;
