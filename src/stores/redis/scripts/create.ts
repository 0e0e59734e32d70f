import { births } from '../pieces/births.ts';
import { blocks } from '../pieces/blocks.ts';
import { lives } from '../pieces/lives.ts';
import { lua } from '../pieces/lua.ts';
import { recordFormat, records } from '../pieces/records.ts';
import { start } from '../pieces/start.ts';

/** Turns a place into a session, which stays leased for what was left of the place's lease: 1 created, 2 duplicate, 3 tag-full, 0 lost. */
export const create = lua`${start}${recordFormat}${records}${blocks}${lives}${births}
local place, token, session = ARGV[2], ARGV[3], given(4)
local till = tonumber(call('ZSCORE', PLACES, place) or nil)
if not till or till <= dueNow then return 0 end
if isTaken(session) then return 2 end
if not hasTagRoom(session, 0) then return 3 end
call('ZREM', PLACES, place)
local holder = string.match(place, ' (.*)$') or ''
insert(session, till, { isHeld = true, fence = 1, till = till, since = now, token = token, holder = holder })
return 1
`;
