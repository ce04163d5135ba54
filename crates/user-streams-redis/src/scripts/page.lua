-- Members of the stream KEYS[1] and their scores, from a place on, in one direction: up to ARGV[1]
-- members, and none any more once they have ARGV[2] bytes. ARGV[3] of them are read at a time.
-- ARGV[4] is the direction, 'older' or 'newer'. The place is a rank in that direction, ARGV[5], or
-- right beside the members whose score is ARGV[5] and whose bytes are ARGV[6]: the whole of them, or
-- their beginning if ARGV[7] is 'sort key'.
-- Returns the rank of the first one, 1 if the stream ends after the last one, and then them.
local key, limit, bytes, step = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local is_down, score, place = ARGV[4] == 'older', ARGV[5], ARGV[6]

local function range(first, last)
  if is_down then return redis.call('ZRANGE', key, first, last, 'REV', 'WITHSCORES') end
  return redis.call('ZRANGE', key, first, last, 'WITHSCORES')
end

local rank = tonumber(score)
if place then
  local is_whole = ARGV[7] ~= 'sort key'
  rank = before(key, score, place, not is_down, is_whole)
  if is_down then rank = redis.call('ZCOUNT', key, '-inf', '+inf') - rank end
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
