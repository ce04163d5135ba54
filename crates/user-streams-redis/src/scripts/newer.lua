-- Counts the members of the stream KEYS[1] that are newer than a place, up to ARGV[1]. The place is
-- the score ARGV[2] and the sort key ARGV[3]; or where the mark ARGV[2] of the marks KEYS[2] is, and
-- everything is newer than one that was never set. Returns false if the mark is no place.
local key, limit, score, place = KEYS[1], tonumber(ARGV[1]), ARGV[2], ARGV[3]
if KEYS[2] then
  place = redis.pcall('HGET', KEYS[2], ARGV[2])
  if type(place) == 'table' then
    return not string.find(place.err, 'WRONGTYPE', 1, true) and place
  end
  if place and not is_place(place) then return false end
  score = place and date_of(place)
end
local all = redis.call('ZCOUNT', key, '-inf', '+inf')
return math.min(place and all - before(key, score, place, true) or all, limit)
