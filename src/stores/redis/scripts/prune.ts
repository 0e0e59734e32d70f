import { births } from '../pieces/births.ts';
import { blocks } from '../pieces/blocks.ts';
import { lives } from '../pieces/lives.ts';
import { lua } from '../pieces/lua.ts';
import { recordFormat, records } from '../pieces/records.ts';
import { start } from '../pieces/start.ts';

/** Removes the dead that were kept long enough or are too many, the oldest deaths first. Answers how many, and whether there are more. */
export const prune = lua`${start}${recordFormat}${records}${blocks}${lives}${births}
local before, keepAtMost, limit = dueNow - tonumber(ARGV[2]) * 1000, tonumber(ARGV[3]), tonumber(ARGV[4])
local tooMany = call('ZCARD', DEAD) - keepAtMost
local dead = call('ZRANGE', DEAD, 0, limit, 'WITHSCORES')
local removed = 0
for i = 1, #dead, 2 do
  local isDue = tonumber(dead[i + 1]) <= before or (i + 1) / 2 <= tooMany
  if not isDue then break end
  if removed == limit then return { removed, 1 } end
  erase(dead[i])
  removed = removed + 1
end
return { removed, 0 }
`;
