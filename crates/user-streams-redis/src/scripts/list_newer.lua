-- For each of the streams of KEYS, the sort keys of the members that are newer than a place, oldest
-- first and as one string. ARGV: how many there are at the most in all; then for each of KEYS the
-- score and the sort key of the place.
-- Returns 1 if the last stream in the answer has more, or 0; and then the strings, as far as the
-- limit goes. Instead of one there is -1 for a key of another type, and -2 if a member is too short.
local limit, answers, total = tonumber(ARGV[1]), {0}, 0
local FEW, MANY = 16, 100

local function newer_of(key, score, place, room)
  local newer, number, rank, date = {}, 0, nil, string.sub(place, 1, 8)
  local found = redis.call('ZRANGE', key, score, '+inf', 'BYSCORE', 'LIMIT', 0, FEW)
  while true do
    for _, member in ipairs(found) do
      if #member < 16 then return -2, 0 end
      -- Those of another date than the place are newer, by their score.
      if rank or string.sub(member, 1, 8) ~= date or compare(member, place) > 0 then
        if number == room then return table.concat(newer), number, true end
        number = number + 1
        newer[number] = string.sub(member, 1, 16)
      end
    end
    if #found < (rank and MANY or FEW) then return table.concat(newer), number end
    rank = rank and rank + MANY or before(key, score, place, true) + number
    found = redis.call('ZRANGE', key, rank, rank + MANY - 1)
  end
end

for i, key in ipairs(KEYS) do
  local is_zset, newer, number, has_more =
    pcall(newer_of, key, ARGV[2 * i], ARGV[2 * i + 1], limit - total)
  if is_zset then
    answers[i + 1], total = newer, total + number
  else
    note(i, type(newer) == 'table' and newer or {err = newer})
    answers[i + 1] = -1
  end
  if has_more then
    answers[1] = 1
    break
  end
end
return failure or answers
