import { lua } from './lua.ts';
/**
 * The way along the queue for one site, past those blocked there. What was seen to hold nobody else is kept with the
 * site (field 'c' + number) as stretches of ticks, both ends included: with 900 000 banned, the next lease, of whichever
 * process, starts where this one stopped. That is sound because whatever makes a session more eligible gives it a new
 * due, now or later; rests for the site, which end where they stand, are looked up first. In the same way the field '#settled'
 * keeps where no lease is that ran out: who is leased gets a new due, too. Needs records and lives.
 */
export const walk = lua`
local MOST_STRETCHES = 8

local function readStretches(text)
  local stretches = {}
  for from, to in string.gmatch(text, '(%d+)-(%d+)') do
    -- Seen later than now: the clock was set back, and nothing of it holds any more.
    if tonumber(to) > dueNow then return {} end
    stretches[#stretches + 1] = { tonumber(from), tonumber(to) }
  end
  return stretches
end

local function stretchesText(stretches)
  local texts = {}
  for i, stretch in ipairs(stretches) do texts[i] = string.format('%d-%d', stretch[1], stretch[2]) end
  return table.concat(texts, ' ')
end

-- Adds a stretch, merged with those that it touches. There are few: of more, the shortest of the others goes.
local function addStretch(stretches, from, to)
  if from > to then return stretches end
  local merged, kept, shortest = { from, to }, {}, nil
  for _, stretch in ipairs(stretches) do
    if stretch[2] < from - 1 or stretch[1] > to + 1 then
      kept[#kept + 1] = stretch
      if not shortest or stretch[2] - stretch[1] < kept[shortest][2] - kept[shortest][1] then shortest = #kept end
    else
      merged = { math.min(merged[1], stretch[1]), math.max(merged[2], stretch[2]) }
    end
  end
  if #kept >= MOST_STRETCHES then table.remove(kept, shortest) end
  kept[#kept + 1] = merged
  return kept
end

-- From here on, the first tick that is in no stretch, and the last one before the next stretch on the way.
local function open(stretches, position, last, isDown)
  local isMoved
  repeat
    isMoved = false
    for _, stretch in ipairs(stretches) do
      if stretch[1] <= position and position <= stretch[2] then
        position = isDown and stretch[1] - 1 or stretch[2] + 1
        isMoved = true
      end
    end
  until not isMoved
  for _, stretch in ipairs(stretches) do
    if isDown and stretch[2] < position then last = math.max(last, stretch[2] + 1) end
    if not isDown and stretch[1] > position then last = math.min(last, stretch[1] - 1) end
  end
  return position, last
end

local function dueOf(id)
  return id and tonumber(call('ZSCORE', DUE, id))
end

-- Goes along what is due, past the stretches that the field remembers, so far as the budget allows: look(id, text) says of each, with
-- what the data has under the prefix and its id, whether it is what is looked for. Answers that one and its due; nil if there
-- is none; 'again' when the budget is spent.
local function along(field, prefix, isDown, look)
  local known = call('HGET', DATA, field) or ''
  local stretches = readStretches(known)
  local position, several, found, due = isDown and dueNow or 0, 2, nil, nil
  local function remember(from, to) stretches = addStretch(stretches, from, math.min(to, tick - 1)) end
  while not found do
    local last
    position, last = open(stretches, position, isDown and 0 or dueNow, isDown)
    if isDown and position < 0 or not isDown and position > dueNow then break end
    if budget <= 0 then
      found = 'again'
      break
    end
    local limit = math.min(several, budget)
    local ids = call(isDown and 'ZREVRANGEBYSCORE' or 'ZRANGEBYSCORE', DUE, position, last, 'LIMIT', 0, limit)
    local fields = {}
    for i, id in ipairs(ids) do fields[i] = prefix .. id end
    local texts = fields[1] and call('HMGET', DATA, unpack(fields)) or {}
    budget = budget - math.max(#ids, 1)
    -- Only of the ends, for scores cost more than all else that is read; and before anything is settled.
    local firstDue, lastDue = dueOf(ids[1]), dueOf(ids[#ids])
    for i, id in ipairs(ids) do
      if look(id, texts[i]) then
        found, due = id, dueOf(id)
        if isDown then remember(due + 1, position) else remember(position, due - 1) end
        break
      end
    end
    if not found then
      -- Several may share a due, and the look may have ended among them: that one is looked at again, unless it is all
      -- there was to see.
      local isWhole = #ids < limit
      local reached = isWhole and last or lastDue
      local step = (isWhole or reached == firstDue) and 0 or 1
      if isDown then
        remember(reached + step, position)
        position = reached + step - 1
      else
        remember(position, reached - step)
        position = reached - step + 1
      end
      if #ids > 0 then several = several * 16 end
    end
  end
  local seen = stretchesText(stretches)
  if seen ~= known then call('HSET', DATA, field, seen) end
  return found, due
end

-- The next session that is not blocked for the site. The texts of the blocks are all that is read: with the records, too, it takes
-- twice as long. Rests that are over were taken away before, so whatever is there still holds.
local function nextUnblocked(site, isDown)
  local needle = ';' .. site .. ':'
  return along('c' .. site, 'x', isDown, function(_, text)
    return not text or not string.find(text, needle, 1, true)
  end)
end

-- Settles leases that ran out, of those who are blocked for the asked site as well: they may be over, and then take no room any
-- more, or have been lifted. Answers whether there are none left, and were none: else it is worth another look.
local function allSettled()
  local hasSettled = false
  local id = along('#settled', 'r', false, function(id, raw)
    -- The first byte: held, but its lease is over.
    if string.byte(raw) == 1 then
      local r = unpacked(id, raw)
      r.due = dueOf(id)
      recover(r)
      budget = budget - 4
      hasSettled = true
    end
    return false
  end)
  return not id and not hasSettled
end
`;
