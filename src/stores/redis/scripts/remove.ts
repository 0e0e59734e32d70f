import { births } from '../pieces/births.ts';
import { blocks } from '../pieces/blocks.ts';
import { lives, wake } from '../pieces/lives.ts';
import { lua } from '../pieces/lua.ts';
import { recordFormat, records } from '../pieces/records.ts';
import { start } from '../pieces/start.ts';

/** Removes sessions wholly, whatever they are doing. Answers how many. */
export const remove = lua`${start}${recordFormat}${records}${blocks}${lives}${wake}${births}
local removed = 0
for i = 3, #ARGV do
  if erase(ARGV[i]) then removed = removed + 1 end
end
if removed > 0 then wake(ARGV[2]) end
return removed
`;
