import { lua } from './lua.ts';
/**
 * Bans and rests of sites. A session's are one text, ';site:until:since;site:until:since;' (until '-' for a ban), so that
 * one HMGET shows 256 sessions' blocks. Beside it the index has an entry for each: rests by their end, bans by their
 * beginning. Sites have numbers; one that nobody is blocked for any more is forgotten, for a crawl may pass millions.
 */
export const blocks = lua`
local function indexEntry(site, isBan, at, id)
  if isBan then return string.format('x%s:b%016d:%s', site, at, id) end
  return string.format('x%s:r%013d:%s', site, at, id)
end

-- When the block in such a text ends (math.huge: a ban), and since when it is there; nil if there is none.
local function blockIn(text, site)
  if not text then return nil end
  local _, stop = string.find(text, ';' .. site .. ':', 1, true)
  if not stop then return nil end
  local till, since = string.match(text, '^([^:]+):(%d+);', stop + 1)
  return till == '-' and math.huge or tonumber(till), tonumber(since)
end

local function numberOf(name)
  return call('HGET', DATA, 's' .. name)
end

local function count(site, isBan, by)
  if isBan then call('HINCRBY', DATA, 'h' .. site, by) end
  if tonumber(call('ZINCRBY', SITES, by, site)) > 0 then return end
  call('ZREM', SITES, site)
  call('HDEL', DATA, 's' .. call('HGET', DATA, 'n' .. site), 'n' .. site, 'h' .. site, 'c' .. site)
end

local function writeBlocks(id, text)
  if text == ';' then call('HDEL', DATA, 'x' .. id) else call('HSET', DATA, 'x' .. id, text) end
end

local function without(text, site)
  local start = string.find(text, ';' .. site .. ':', 1, true)
  local stop = string.find(text, ';', start + 1, true)
  return string.sub(text, 1, start) .. string.sub(text, stop + 1)
end

local function dropBlock(id, text, site, till, since)
  local isBan = till == math.huge
  call('ZREM', INDEX, indexEntry(site, isBan, isBan and since or till, id))
  local left = without(text, site)
  writeBlocks(id, left)
  count(site, isBan, -1)
  return left
end

-- Answers whether there was one.
local function liftBlock(id, name)
  local site = numberOf(name)
  local text = site and call('HGET', DATA, 'x' .. id)
  local till, since = blockIn(text, site)
  if not till then return false end
  dropBlock(id, text, site, till, since)
  return true
end

-- Blocks a living session for a site: ms nil for good, 0 lifts. A block that it has there and that lasts as long goes on.
local function setBlock(id, name, ms)
  if ms and ms <= 0 then
    liftBlock(id, name)
    return
  end
  local till = ms and msIn(ms) or math.huge
  local isBan = till == math.huge
  local site = numberOf(name)
  local text = call('HGET', DATA, 'x' .. id) or ';'
  local before, since
  if site then before, since = blockIn(text, site) end
  if before and before >= till then return end
  if not site then
    site = string.format('%d', call('HINCRBY', DATA, '#site', 1))
    call('HSET', DATA, 's' .. name, site, 'n' .. site, name)
  end
  -- Counted first, so that the site is not forgotten in between.
  count(site, isBan, 1)
  if before then text = dropBlock(id, text, site, before, since) end
  writeBlocks(id, string.format('%s%s:%s:%d;', text, site, isBan and '-' or string.format('%d', till), tick))
  call('ZADD', INDEX, 0, indexEntry(site, isBan, isBan and tick or till, id))
end

-- Answers how many there were.
local function clearBlocks(id)
  local text = call('HGET', DATA, 'x' .. id)
  if not text then return 0 end
  local cleared = 0
  for site, till, since in string.gmatch(text, '(%d+):([^:;]+):(%d+);') do
    local isBan = till == '-'
    call('ZREM', INDEX, indexEntry(site, isBan, tonumber(isBan and since or till), id))
    count(site, isBan, -1)
    cleared = cleared + 1
  end
  call('HDEL', DATA, 'x' .. id)
  return cleared
end
`;
