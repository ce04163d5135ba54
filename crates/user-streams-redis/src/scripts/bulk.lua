-- Adds an item to each of the streams of KEYS, which may be there several times, and returns how
-- many were not there. ARGV: for each of KEYS the score and the member.
local added, streams, places = 0, {}, {}
for i, key in ipairs(KEYS) do
  if not places[key] then
    streams[#streams + 1], places[key] = key, {}
  end
  table.insert(places[key], i)
end

-- Whether these items have timestamps of their own, between which the stream has no item: then none
-- of them is there, nor any that it could be mistaken for.
local function are_new(key, rows)
  local seen, oldest, newest = {}, math.huge, -math.huge
  for _, i in ipairs(rows) do
    local score = tonumber(ARGV[2 * i - 1])
    if seen[score] then return false end
    seen[score], oldest, newest = true, math.min(oldest, score), math.max(newest, score)
  end
  local between = { string.format('%.0f', oldest), string.format('%.0f', newest) }
  return redis.pcall('ZCOUNT', key, between[1], between[2]) == 0
end

local function count(i, reply)
  if type(reply) == 'table' then note(i, reply) else added = added + reply end
end

for _, key in ipairs(streams) do
  local rows = places[key]
  if #rows > 1 and are_new(key, rows) then
    -- Lua passes on some thousand arguments.
    for first = 1, #rows, 1000 do
      local pairs_of = {}
      for at = first, math.min(first + 999, #rows) do
        pairs_of[#pairs_of + 1] = ARGV[2 * rows[at] - 1]
        pairs_of[#pairs_of + 1] = ARGV[2 * rows[at]]
      end
      count(rows[first], redis.pcall('ZADD', key, unpack(pairs_of)))
    end
  else
    for _, i in ipairs(rows) do
      count(i, insert(key, ARGV[2 * i - 1], ARGV[2 * i]))
    end
  end
end
return changed(added)
