import { lua } from './lua.ts';
/**
 * The layout of a record, for all scripts; the quick ways of lease and release use it directly.
 *
 * held, recovered, status; fence, uses, most uses (-1: no limit), score, expiry (ms; -1: none), creation (ms), end of the
 * lease or instant of the death (tick), beginning of the lease (ms); token, holder, the JSON texts of id, key and tag,
 * and what few have: the reason of the death, the orders that wait (JSON, or nothing).
 */
export const recordFormat = lua`
local FORMAT = '<BBBddddddddBc0Bc0I4c0I4c0'
`;

/** How a session, living or dead, gets another tag. Needs records. */
export const retag = lua`
-- Key and tag as JSON; nil leaves it as it is.
local function setTexts(r, keyText, tagText)
  local texts = cjson.decode('[' .. r.texts .. ']')
  r.texts = cjson.encode(texts[1]) .. ',' .. (keyText or cjson.encode(texts[2])) .. ',' .. (tagText or cjson.encode(texts[3]))
end

local function retag(r, tagText)
  local isLiving = r.status == 'usable'
  local _, old = keyAndTag(r)
  if old then
    call('ZREM', INDEX, 't' .. old .. '\0' .. r.id)
    if isLiving then countTag(old, -1) end
  end
  setTexts(r, nil, tagText)
  local _, new = keyAndTag(r)
  if new then
    call('ZADD', INDEX, 0, 't' .. new .. '\0' .. r.id)
    if isLiving then countTag(new, 1) end
  end
end
`;

/** Records as tables. */
export const records = lua`
local STATUS = { [0] = 'usable', 'blocked', 'expired', 'used-up', 'retired' }
local NUMBER = { usable = 0, blocked = 1, expired = 2, ['used-up'] = 3, retired = 4 }

local function unpacked(id, raw)
  local held, recovered, status, fence, uses, maxUses, score, expires, created, till, since, token, holder, texts, more =
    struct.unpack(FORMAT, raw)
  return {
    id = id, isHeld = held == 1, isRecovered = recovered == 1, status = STATUS[status], fence = fence, uses = uses,
    maxUses = maxUses, score = score, expires = expires, created = created, till = till, since = since,
    token = token, holder = holder, texts = texts, more = more,
  }
end

local function read(id)
  local raw = call('HGET', DATA, 'r' .. id)
  return raw and unpacked(id, raw) or nil
end

local function packed(r)
  return struct.pack(FORMAT, r.isHeld and 1 or 0, r.isRecovered and 1 or 0, NUMBER[r.status], r.fence, r.uses,
    r.maxUses, r.score, r.expires, r.created, r.till, r.since, #r.token, r.token, #r.holder, r.holder,
    #r.texts, r.texts, #r.more, r.more)
end

local function save(r)
  call('HSET', DATA, 'r' .. r.id, packed(r))
end

-- The reason of the death and the orders that wait, as a table; and back.
local function moreOf(r)
  return r.more == '' and {} or cjson.decode(r.more)
end
local function setMore(r, more)
  r.more = next(more) == nil and '' or cjson.encode(more)
end

local function textOf(value)
  if value == cjson.null then return nil end
  return value
end
-- The key and the tag; nil where it has none.
local function keyAndTag(r)
  local texts = cjson.decode('[' .. r.texts .. ']')
  return textOf(texts[2]), textOf(texts[3])
end

-- So many more of the living have the tag.
local function countTag(tag, by)
  if tonumber(call('ZINCRBY', TAGS, by, tag)) <= 0 then call('ZREM', TAGS, tag) end
end

-- Somebody holds it now. A lease that ran out holds nothing, although the record still says so.
local function isLeased(r)
  return r.isHeld and r.till > dueNow
end
local function isExpired(r)
  return r.expires >= 0 and r.expires <= now
end
local function isUsedUp(r)
  return r.maxUses >= 0 and r.uses >= r.maxUses
end
`;
