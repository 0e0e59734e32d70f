import { lua } from './lua.ts';
/** How sessions come in. Needs records, blocks and lives. */
export const births = lua`
-- What a session is given as: eleven arguments from here on (see arguments.ts). The body stands last, at first + 10.
local function given(first)
  local key, tag = ARGV[first + 7], ARGV[first + 8]
  return {
    id = ARGV[first], texts = ARGV[first + 1], age = tonumber(ARGV[first + 2]), life = tonumber(ARGV[first + 3]),
    uses = tonumber(ARGV[first + 4]), maxUses = tonumber(ARGV[first + 5]) or -1, score = tonumber(ARGV[first + 6]),
    key = key ~= '' and string.sub(key, 2) or nil, tag = tag ~= '' and string.sub(tag, 2) or nil,
    tagLimit = tonumber(ARGV[first + 9]), body = ARGV[first + 10],
  }
end

-- One that has expired and that nobody holds is buried, and stands in nobody's way.
local function isInTheWay(id)
  local r = read(id)
  if not r or r.status ~= 'usable' then return false end
  if not isExpired(r) or isLeased(r) then return true end
  r.due = r.till
  if r.isHeld then recover(r) else die(r, 'expired') end
  return false
end

local function isTaken(session)
  if isInTheWay(session.id) then return true end
  local owner = session.key and call('HGET', DATA, 'k' .. session.key)
  return owner and isInTheWay(owner) or false
end

-- Whether its tag allows for one more, besides so many that come with it. The expired are buried, some at a time.
local function hasTagRoom(session, others)
  if not session.tag or not session.tagLimit then return true end
  local function isRoom()
    return tonumber(call('ZSCORE', TAGS, session.tag) or 0) + others < session.tagLimit
  end
  return isRoom() or buryExpired(64) > 0 and isRoom()
end

-- Takes a session away wholly, dead or alive. Answers whether there was one.
local function erase(id)
  local r = read(id)
  if not r then return false end
  local key, tag = keyAndTag(r)
  if r.status == 'usable' then
    clearBlocks(id)
    if key then call('HDEL', DATA, 'k' .. key) end
    if tag then countTag(tag, -1) end
    call('ZREM', DUE, id)
    call('ZREM', RESTING, id)
    call('ZREM', EXPIRY, id)
  else
    call('ZREM', DEAD, id)
  end
  call('HDEL', DATA, 'r' .. id, 'b' .. id)
  call('ZREM', INDEX, 'i' .. id)
  if tag then call('ZREM', INDEX, 't' .. tag .. '\0' .. id) end
  return true
end

-- Writes a living session. A dead one that had its id gives way.
local function insert(session, due, fields)
  local id = session.id
  erase(id)
  local r = {
    id = id, isHeld = false, isRecovered = false, status = 'usable', fence = 0, uses = session.uses, maxUses = session.maxUses,
    score = session.score, expires = session.life and msIn(session.life) or -1, created = now - math.floor(session.age),
    till = 0, since = 0, token = '', holder = '', texts = session.texts, more = '',
  }
  for name, value in pairs(fields or {}) do r[name] = value end
  call('HSET', DATA, 'r' .. id, packed(r), 'b' .. id, session.body, '#version', VERSION)
  call('ZADD', DUE, due, id)
  call('ZADD', INDEX, 0, 'i' .. id)
  if session.tag then
    call('ZADD', INDEX, 0, 't' .. session.tag .. '\0' .. id)
    countTag(session.tag, 1)
  end
  if session.key then call('HSET', DATA, 'k' .. session.key, id) end
  if r.expires >= 0 then call('ZADD', EXPIRY, r.expires, id) end
end
`;
