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
