import { blocks } from '../pieces/blocks.ts';
import { lives, vacancy } from '../pieces/lives.ts';
import { lua } from '../pieces/lua.ts';
import { recordFormat, records } from '../pieces/records.ts';
import { start } from '../pieces/start.ts';

/** A session as lists show it: one JSON text, and the body (see replies.ts). */
const view = lua`
local function stateOf(r, due)
  if r.status ~= 'usable' then return 'dead' end
  if isLeased(r) then return 'leased' end
  return due > dueNow and 'resting' or 'ready'
end

local function view(r, state, due)
  local shown = {}
  for site, till, since in string.gmatch(call('HGET', DATA, 'x' .. r.id) or '', '(%d+):([^:;]+):(%d+);') do
    if till == '-' or tonumber(till) > now then
      shown[#shown + 1] = string.format('[%s,%d,%s]', cjson.encode(call('HGET', DATA, 'n' .. site)), math.floor(since / 1000),
        till == '-' and 'null' or till)
    end
  end
  local untilAt = (state == 'leased' or state == 'resting') and string.format('%d', math.floor(due / 1000)) or 'null'
  local sinceAt = 'null'
  if state == 'leased' then sinceAt = string.format('%d', r.since) end
  if state == 'dead' then sinceAt = string.format('%d', math.floor(r.till / 1000)) end
  return string.format('[%d,%d,%.17g,%.17g,%.17g,"%s",%s,"%s",%s,%s,%s,[%s],%s]', r.created, r.expires, r.uses, r.maxUses, r.score,
    r.status, cjson.encode(textOf(moreOf(r).reason) or cjson.null), state, untilAt, cjson.encode(r.holder), sinceAt,
    table.concat(shown, ','), r.texts)
end

local function dueOf(r)
  return tonumber(call('ZSCORE', DUE, r.id) or 0)
end
`;

const needed = lua`${start}${recordFormat}${records}${blocks}${lives}${view}`;

/** One session: its view and its body; nothing if there is none. */
export const get = lua`${needed}
local r = read(ARGV[2])
if not r then return false end
local due = dueOf(r)
return { view(r, stateOf(r, due), due), call('HGET', DATA, 'b' .. r.id) }
`;

/**
 * One page in the order of the ids: now, the id after which the next goes on (or nothing), then view and body of each.
 * Looks at so many records; shows no more than asked for.
 */
export const list = lua`${needed}
local after, limit, wanted, look = ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
buryExpired(64)
local ids = call('ZRANGEBYLEX', INDEX, after == '' and '[i' or '(i' .. after, '[i\255', 'LIMIT', 0, look + 1)
local page, last, shown = { string.format('%d', now), '' }, '', 0
for i, entry in ipairs(ids) do
  if shown == limit or i > look then
    page[2] = last
    break
  end
  local id = string.sub(entry, 2)
  local r = read(id)
  local due = dueOf(r)
  local state = stateOf(r, due)
  if wanted == '' or wanted == state then
    shown = shown + 1
    page[#page + 1] = view(r, state, due)
    page[#page + 1] = call('HGET', DATA, 'b' .. id)
  end
  last = id
end
return page
`;

/** Counters, and index entries for what depends on the time: one JSON text. */
export const count = lua`${start}${recordFormat}${records}${blocks}${lives}${vacancy}
buryExpired(64)
local after = string.format('(%d', dueNow)
local living, away = call('ZCARD', DUE), call('ZCOUNT', DUE, after, '+inf')
local resting = call('ZCOUNT', RESTING, after, '+inf')

local deaths = {}
for i, entry in ipairs(call('ZRANGEBYLEX', INDEX, '[d', '[d\255', 'LIMIT', 0, 100)) do
  deaths[i] = cjson.encode(string.sub(entry, 2)) .. ':' .. call('HGET', DATA, entry)
end

-- The biggest sites. Rests that ended without anybody asking for the site are counted off.
local sites = {}
local sizes = call('ZREVRANGE', SITES, 0, 999, 'WITHSCORES')
for i = 1, #sizes, 2 do
  local site, blocked = sizes[i], tonumber(sizes[i + 1])
  local prefix = 'x' .. site .. ':r'
  local banned = tonumber(call('HGET', DATA, 'h' .. site) or 0)
  local rests = blocked - banned
  if rests > 0 then
    rests = rests - call('ZLEXCOUNT', INDEX, '[' .. prefix, '[' .. prefix .. string.format('%013d', now) .. ':\255')
  end
  if rests > 0 or banned > 0 then
    sites[#sites + 1] = string.format('%s:{"resting":%d,"banned":%d}', cjson.encode(call('HGET', DATA, 'n' .. site)), rests, banned)
  end
end

local tags = {}
local tagged = call('ZRANGE', TAGS, 0, 9999, 'WITHSCORES')
for i = 1, #tagged, 2 do tags[#tags + 1] = cjson.encode(tagged[i]) .. ':' .. tagged[i + 1] end

local first = call('ZRANGEBYSCORE', DUE, after, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local nextReady = first[2] and string.format('%d', math.max(1, math.ceil(first[2] / 1000 - present))) or 'null'
return string.format(
  '{"living":%d,"ready":%d,"leased":%d,"resting":%d,"places":%d,"dead":%d,"deaths":{%s},"sites":{%s},"tags":{%s},"nextReadyInMs":%s}',
  living, living - away, away - resting, resting, taken() - living, call('ZCARD', DEAD), table.concat(deaths, ','),
  table.concat(sites, ','), table.concat(tags, ','), nextReady)
`;
