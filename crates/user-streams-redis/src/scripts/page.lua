-- Members of the stream KEYS[1] and their scores, from a place on, in one direction: up to ARGV[1]
-- members, and none any more once they have ARGV[2] bytes. ARGV[3] of them are read at a time.
-- ARGV[4] is the direction, 'older' or 'newer'. The place is a rank in that direction, ARGV[5], or
-- right beside the members whose score is ARGV[5] and whose bytes are ARGV[6]: the whole of them, or
-- their beginning if ARGV[7] is 'sort key'. Among members of one score it is found by bisection, so
-- a thousand items of one timestamp take ten steps.
-- Returns the rank of the first one, 1 if the stream ends after the last one, and then them.
local key, limit, bytes, step = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local is_down, score, place = ARGV[4] == 'older', ARGV[5], ARGV[6]

local function range(first, last)
  if is_down then return redis.call('ZRANGE', key, first, last, 'REV', 'WITHSCORES') end
  return redis.call('ZRANGE', key, first, last, 'WITHSCORES')
end

-- By bytes: Lua itself compares strings by the server's locale.
local function compare(member)
  if member == place then return 0 end
  local length = ARGV[7] == 'sort key' and #place or math.max(#place, #member)
  for i = 1, length do
    local a, b = string.byte(member, i) or -1, string.byte(place, i) or -1
    if a ~= b then return a - b end
  end
  return 0
end

local rank
if not place then
  rank = tonumber(score)
else
  local others = is_down and redis.call('ZCOUNT', key, '(' .. score, '+inf')
    or redis.call('ZCOUNT', key, '-inf', '(' .. score)
  local low, high = others, others + redis.call('ZCOUNT', key, score, score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local order = compare(range(middle, middle)[1])
    local is_beyond = is_down and order < 0 or not is_down and order > 0
    if is_beyond then high = middle else low = middle + 1 end
  end
  rank = low
end

local found, size, first, is_end = {}, 0, rank, 0
while #found < 2 * limit and size < bytes and is_end == 0 do
  local count = math.min(step, limit - #found / 2)
  local part = range(rank, rank + count - 1)
  if #part < 2 * count then is_end = 1 end
  for i = 1, #part, 2 do
    if size >= bytes then
      is_end = 0
      break
    end
    found[#found + 1], found[#found + 2] = part[i], part[i + 1]
    size = size + #part[i]
  end
  rank = rank + count
end
return {first, is_end, found}
