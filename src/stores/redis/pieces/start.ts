import { lua } from './lua.ts';
/** The version of the layout, in the field '#version' of the hash. 2: `tags` counts the living by tag. */
export const LAYOUT_VERSION = 2;

/**
 * How every script begins: the names of its keys (`keys.ts`, in that order), and what time it is. `tick` is in
 * microseconds, later than all before; `now` is its millisecond. What is due up to `dueNow` is due. A clock that was
 * handed in comes as `now:tick` and stands still for a whole millisecond, of which everything is due.
 */
export const start = lua`
local DUE, DATA, INDEX, EXPIRY = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local DEAD, RESTING, PLACES, SITES, TAGS = KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local call = redis.call
local VERSION = ${LAYOUT_VERSION}

local tick, now, dueNow
if ARGV[1] == '' then
  local time = call('TIME')
  tick = time[1] * 1000000 + time[2]
  now = math.floor(tick / 1000)
  dueNow = tick
else
  local millisecond, given = string.match(ARGV[1], '^(%d+):(%d+)$')
  tick, now = tonumber(given), tonumber(millisecond)
  dueNow = math.max(tick, now * 1000 + 999)
end

-- In milliseconds: from here on one counts how long something still takes.
local present = math.min(dueNow, now * 1000 + 999) / 1000

-- A hundred years, in milliseconds: what is to last longer lasts that long. Much later ticks would lose their last digits.
local FOREVER = 3155760000000

-- So much later, in milliseconds and in ticks. Ends within one millisecond keep the order in which they were set.
local function msIn(ms)
  return now + math.ceil(math.min(ms, FOREVER))
end
local function tickIn(ms)
  return msIn(ms) * 1000 + math.min(tick - now * 1000, 999)
end
`;
