import { lua } from './lua.ts';
/** When it is worth to ask again. Needs records and blocks; number is that of the asked site. */
export const retry = lua`
-- Never 0: who is told so would ask again at once, within the same moment.
local function inMs(at)
  return math.max(1, math.ceil(at - present))
end

-- The same for one session that lives but cannot be had now.
local function retryOneInMs(id, due, blockedUntil)
  if blockedUntil == math.huge then return nil end
  local at = math.max(due / 1000, blockedUntil or 0)
  local r = read(id)
  -- A holder may give it back before it expires.
  if not isLeased(r) and r.expires >= 0 and r.expires <= at then return nil end
  return inMs(at)
end

-- The next lease or rest that ends, of one that is not banned from the site and does not expire before. Looks at no more
-- than 72; the last of them then stands for the rest, for too early is harmless.
local function nextDue(site)
  local from, best, last = string.format('(%d', dueNow), nil, nil
  for _, part in ipairs({ { 0, 8 }, { 8, 64 } }) do
    local rows = call('ZRANGEBYSCORE', DUE, from, '+inf', 'WITHSCORES', 'LIMIT', part[1], part[2])
    for i = 1, #rows, 2 do
      local id, at = rows[i], tonumber(rows[i + 1]) / 1000
      if best and at >= best then return best end
      local blockedUntil = site and blockIn(call('HGET', DATA, 'x' .. id), site)
      last = at
      if blockedUntil ~= math.huge then
        at = math.max(at, blockedUntil or 0)
        local r = read(id)
        if isLeased(r) or r.expires < 0 or r.expires > at then best = math.min(best or at, at) end
      end
    end
    if #rows / 2 < part[2] then return best end
  end
  return best or last
end

-- The next rest for the site that ends, among those that are free otherwise. A few: the earliest may be leased.
local function nextSiteRest(site)
  local prefix, best = 'x' .. site .. ':r', nil
  for _, entry in ipairs(call('ZRANGEBYLEX', INDEX, '(' .. prefix .. string.format('%013d', now) .. ':\255', '[' .. prefix .. ':', 'LIMIT', 0, 16)) do
    local id = string.sub(entry, #prefix + 15)
    local at = math.max(tonumber(string.sub(entry, #prefix + 1, #prefix + 13)), tonumber(call('ZSCORE', DUE, id)) / 1000)
    local r = read(id)
    if r.expires < 0 or r.expires > at then best = math.min(best or at, at) end
  end
  return best
end

local function first(key, from, scale)
  local one = call('ZRANGEBYSCORE', key, string.format('(%d', from), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return one[2] and tonumber(one[2]) / scale or math.huge
end

-- Until a session or a place could serve the request by itself; nil: none can, as things stand.
local function retryInMs(site, limit)
  local at = math.min(nextDue(site) or math.huge, number and nextSiteRest(number) or math.huge)
  if limit then at = math.min(at, first(PLACES, dueNow, 1000), first(EXPIRY, now, 1)) end
  return at < math.huge and inMs(at) or nil
end
`;
