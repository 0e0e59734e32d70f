import { births } from '../pieces/births.ts';
import { blocks } from '../pieces/blocks.ts';
import { lives, vacancy, wake } from '../pieces/lives.ts';
import { lua } from '../pieces/lua.ts';
import { recordFormat, records } from '../pieces/records.ts';
import { start } from '../pieces/start.ts';

/**
 * Adds all or none: 1 added, 0 full, 2 again, or the id of the first that stands in the way, after 'd' (duplicate) or 't'
 * (tag-full). Checks all before it writes any.
 */
export const add = lua`${start}${recordFormat}${records}${blocks}${lives}${vacancy}${wake}${births}
local from, limit = ARGV[2], tonumber(ARGV[3])
local sessions, ids, keys, tags = {}, {}, {}, {}
for first = 4, #ARGV, 11 do
  local session = given(first)
  if ids[session.id] or session.key and keys[session.key] or isTaken(session) then return 'd' .. session.id end
  ids[session.id] = true
  if session.key then keys[session.key] = true end
  if session.tag then
    local others = tags[session.tag] or 0
    if not hasTagRoom(session, others) then return 't' .. session.id end
    tags[session.tag] = others + 1
  end
  sessions[#sessions + 1] = session
end
if limit and taken() + #sessions > limit then
  -- The expired take no room. Whoever asks is to ask again while there are more.
  local buried = buryExpired(64)
  if taken() + #sessions > limit then return buried == 64 and 2 or 0 end
end
for i, session in ipairs(sessions) do insert(session, tick + i - 1) end
wake(from)
return 1
`;
