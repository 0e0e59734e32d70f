import { lua } from '../pieces/lua.ts';
import { recordFormat, records, retag } from '../pieces/records.ts';
import { start } from '../pieces/start.ts';

/** Writes a document over the version that was read, or makes it (version 0). Answers the new version, or 0. */
export const putDocument = lua`${start}
local field, value, version = 'D' .. ARGV[2], ARGV[3], tonumber(ARGV[4])
local stored = call('HGET', DATA, field)
local before = stored and tonumber(string.match(stored, '^%d+')) or 0
if before ~= version then return 0 end
call('HSET', DATA, field, string.format('%d:%s', version + 1, value), '#version', VERSION)
return version + 1
`;

/**
 * Writes bodies, keys and tags in another way, each only if the body still is what it was: for each the id, the body it
 * must have, the new one, the new texts (empty: as they are), key and tag. Answers how many.
 */
export const rewrite = lua`${start}${recordFormat}${records}${retag}
-- As JSON.
local function rekey(r, keyText)
  local isLiving = r.status == 'usable'
  local old = keyAndTag(r)
  if old and isLiving then call('HDEL', DATA, 'k' .. old) end
  setTexts(r, keyText, nil)
  local new = keyAndTag(r)
  if new and isLiving then call('HSET', DATA, 'k' .. new, r.id) end
end

local written = 0
for first = 2, #ARGV, 5 do
  local id, before, body, newKey, newTag = unpack(ARGV, first, first + 4)
  local r = call('HGET', DATA, 'b' .. id) == before and read(id)
  if r then
    written = written + 1
    call('HSET', DATA, 'b' .. id, body)
    if newKey ~= '' or newTag ~= '' then
      if newKey ~= '' then rekey(r, newKey) end
      if newTag ~= '' then retag(r, newTag) end
      save(r)
    end
  end
end
return written
`;

/** Says that somebody waits for the next minute. */
export const waiting = lua`${start}
call('HSET', DATA, '#waiting', tickIn(60000), '#version', VERSION)
return 1
`;

/** What the server that has the pool says of itself. Managed servers may not let everybody ask: then nothing. */
export const info = lua`
local info = redis.pcall('INFO')
return type(info) == 'string' and info or ''
`;

/**
 * Looks at what there is under our names before anything else is done: the version of the data, which is noted where
 * there is none. Data of an older version is brought up to date, in this one step: the living with a tag are counted,
 * at some microseconds each. Answers the version that was found, or the name of a key that is of another kind, or '32 bits'.
 */
export const open = lua`
local function countTags()
  redis.call('DEL', KEYS[9])
  local after = '[t'
  while true do
    local entries = redis.call('ZRANGEBYLEX', KEYS[3], after, '[t\255', 'LIMIT', 0, 1000)
    if #entries == 0 then return end
    for _, entry in ipairs(entries) do
      local tag, id = string.match(entry, '^t(.*)%z([^%z]*)$')
      local raw = redis.call('HGET', KEYS[2], 'r' .. id)
      -- The third byte of a record is its status.
      if raw and string.byte(raw, 3) == 0 then redis.call('ZINCRBY', KEYS[9], 1, tag) end
    end
    after = '(' .. entries[#entries]
  end
end

-- Ticks do not fit into the whole numbers of a 32-bit server.
if string.format('%d', 4611686018427387904) ~= '4611686018427387904' then return '32 bits' end
local kinds = { 'zset', 'hash', 'zset', 'zset', 'zset', 'zset', 'zset', 'zset', 'zset' }
for i, kind in ipairs(kinds) do
  local found = redis.call('TYPE', KEYS[i]).ok
  if found ~= 'none' and found ~= kind then return KEYS[i] end
end
local version = redis.call('HGET', KEYS[2], '#version')
if version then
  if tonumber(version) and tonumber(version) < tonumber(ARGV[1]) then
    countTags()
    redis.call('HSET', KEYS[2], '#version', ARGV[1])
  end
  return tonumber(version) or KEYS[2]
end
-- Somebody else's hash, or none.
if redis.call('EXISTS', KEYS[2]) == 1 then return KEYS[2] end
redis.call('HSET', KEYS[2], '#version', ARGV[1])
return tonumber(ARGV[1])
`;
