-- What is read of several streams at once. ARGV: how many members of each at the most; 'older' or
-- 'newer'; the score at which it begins, or nothing for the newest; and for each of KEYS the score
-- below which nothing is wanted, or nothing.
-- Returns the members of each, in the direction of reading; false for a key of another type. Of the
-- streams after one that has more than the limit, what is beyond its last member is left out.
local number, is_down, from = ARGV[1], ARGV[2] == 'older', ARGV[3]
local limit, found, bound = tonumber(number), {}, nil
for i, key in ipairs(KEYS) do
  local least, members = ARGV[3 + i], nil
  if is_down then
    local low = least ~= '' and tonumber(least) or -math.huge
    if bound and bound > low then low = bound end
    low = low == -math.huge and '-inf' or string.format('%.0f', low)
    members = redis.pcall(
      'ZRANGE', key, from ~= '' and from or '+inf', low, 'BYSCORE', 'REV', 'LIMIT', 0, number)
  else
    local low = from
    if least ~= '' and tonumber(least) > tonumber(from) then low = least end
    local high = bound and string.format('%.0f', bound) or '+inf'
    members = redis.pcall('ZRANGE', key, low, high, 'BYSCORE', 'LIMIT', 0, number)
  end
  if members.err then
    if not string.find(members.err, 'WRONGTYPE', 1, true) then return members end
    members = false
  elseif #members == limit and #members[limit] >= 16 then
    local last = micros_of(members[limit])
    if not bound or is_down and last > bound or not is_down and last < bound then bound = last end
  end
  found[i] = members
end
return found
