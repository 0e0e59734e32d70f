import { lua } from './lua.ts';
/** How a session's life goes on or ends: deaths, rests, orders, and leases that ran out. Needs records and blocks. */
export const lives = lua`
-- Deaths are counted by reason: 99 of them, the rest as 'other'.
local function countDeath(reason)
  local name = string.sub(reason, 1, 200)
  if call('HEXISTS', DATA, 'd' .. name) == 0 then
    if tonumber(call('HGET', DATA, '#reasons') or 0) >= 99 then name = 'other' end
    if call('ZADD', INDEX, 0, 'd' .. name) == 1 then call('HINCRBY', DATA, '#reasons', 1) end
  end
  call('HINCRBY', DATA, 'd' .. name, 1)
end

-- Ends a session for good: out of the queue, its blocks dropped, its key free. Record and body stay until pruned, for it
-- may be revived.
local function die(r, status, reason)
  local why = reason or status
  r.status, r.isHeld, r.isRecovered, r.till = status, false, false, tick
  setMore(r, { reason = why })
  save(r)
  call('ZREM', DUE, r.id)
  call('ZREM', RESTING, r.id)
  if r.expires >= 0 then call('ZREM', EXPIRY, r.id) end
  call('ZADD', DEAD, tick, r.id)
  clearBlocks(r.id)
  local key, tag = keyAndTag(r)
  if key then call('HDEL', DATA, 'k' .. key) end
  if tag then countTag(tag, -1) end
  countDeath(why)
end

-- Ends a session that must not be used again. Answers whether it lives on.
local function survives(r)
  if isUsedUp(r) then die(r, 'used-up')
  elseif isExpired(r) then die(r, 'expired')
  else return true end
  return false
end

local function moveTo(r, due)
  r.due = due
  call('ZADD', DUE, due, r.id)
end

-- Notes a rest, so that it can be counted. Those that ended are dropped a few at a time.
local function noteRest(r, due)
  local ended = call('ZRANGEBYSCORE', RESTING, '-inf', dueNow, 'LIMIT', 0, 4)
  if #ended > 0 then call('ZREM', RESTING, unpack(ended)) end
  call('ZADD', RESTING, due, r.id)
end

local function rest(r, ms)
  local due = tickIn(ms)
  if ms <= 0 or r.due >= due then return end
  moveTo(r, due)
  noteRest(r, due)
end

-- Whoever becomes more eligible by it goes to the end of the queue: what is known of sites relies on that.
local function lift(r, site)
  local isResting = r.due > dueNow
  local isLifted
  if site then isLifted = liftBlock(r.id, site) else isLifted = clearBlocks(r.id) > 0 end
  local endsRest = isResting and not site
  if not endsRest and (not isLifted or isResting) then return end
  moveTo(r, tick)
  if endsRest then call('ZREM', RESTING, r.id) end
end

-- Carries out an order on a living session that nobody holds.
local function obey(r, order)
  if order.kind == 'retire' then die(r, 'retired', order.reason)
  elseif order.kind == 'lift' then lift(r, order.site)
  elseif not order.site then rest(r, order.ms)
  elseif order.ms > 0 then setBlock(r.id, order.site, order.ms) end
end

-- Carries out what waited for a holder: to retire outweighs all else. Answers whether that ended the session.
local function obeyWaiting(r, orders)
  for _, order in ipairs(orders or {}) do
    if order.kind == 'retire' then
      obey(r, order)
      return true
    end
  end
  for _, order in ipairs(orders or {}) do obey(r, order) end
  return false
end

-- A lease that ran out is one use, whatever its holder did. The session then is as if it had been given back, and its last
-- token is no longer known. Answers whether it lives on; r.due must be known.
local function recover(r)
  local orders = moreOf(r).orders
  r.isHeld, r.isRecovered, r.uses, r.token, r.more = false, true, r.uses + 1, '', ''
  if obeyWaiting(r, orders) then return false end
  if not survives(r) then return false end
  save(r)
  return true
end

-- Buries sessions that expired, the earliest first, and looks at no more than so many. Those that are leased are looked
-- at again when their lease ends. Answers how many it looked at.
local function buryExpired(limit)
  local ids = call('ZRANGEBYSCORE', EXPIRY, '-inf', now, 'LIMIT', 0, limit)
  for _, id in ipairs(ids) do
    local r = read(id)
    if not r then
      call('ZREM', EXPIRY, id)
    elseif isLeased(r) then
      call('ZADD', EXPIRY, math.ceil(r.till / 1000), id)
    elseif r.isHeld then
      r.due = r.till
      recover(r)
    else
      die(r, 'expired')
    end
  end
  return #ids
end
`;

/**
 * Tells those who wait in other processes that somebody may be free; only while somebody waits. The channel has the name
 * of the queue. That a user may not publish must not undo the work: waiters then come by themselves.
 */
export const wake = lua`
local function wake(from)
  if tonumber(call('HGET', DATA, '#waiting') or 0) > tick then redis.pcall('PUBLISH', DUE, from) end
end
`;

/** Room for one more. A reserved place whose lease ran out is free. */
export const vacancy = lua`
local function taken()
  return call('ZCARD', DUE) + call('ZCOUNT', PLACES, string.format('(%d', dueNow), '+inf')
end
`;
