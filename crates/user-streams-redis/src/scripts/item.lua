-- What other scripts begin with, after place.lua: the members of one item, those of this score that
-- begin with this sort key. There is one or none, unless something else has written more.
local function members_of(key, score, sort_key)
  local found, members = redis.call('ZRANGE', key, score, score, 'BYSCORE', 'LIMIT', 0, 2), {}
  if #found < 2 then
    if found[1] and compare(found[1], sort_key) == 0 then members[1] = found[1] end
    return members
  end
  -- Others have the same microsecond.
  local rank = before(key, score, sort_key)
  while true do
    local found = redis.call('ZRANGE', key, rank, rank)
    if not found[1] or compare(found[1], sort_key) ~= 0 then return members end
    members[#members + 1] = found[1]
    rank = rank + 1
  end
end
