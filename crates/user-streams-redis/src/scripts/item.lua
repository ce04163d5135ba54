-- What other scripts begin with, after place.lua: the members of one item, those of this score that
-- begin with this sort key. There is one or none, unless something else has written more.
local function members_of(key, score, sort_key)
  local function is_one(member)
    return member and string.sub(member, 1, #sort_key) == sort_key
  end
  local found, members = redis.call('ZRANGE', key, score, score, 'BYSCORE', 'LIMIT', 0, 2), {}
  if not found[2] then return is_one(found[1]) and found or members end
  -- Others have the same microsecond.
  local rank = before(key, score, sort_key)
  while true do
    local found = redis.call('ZRANGE', key, rank, rank)
    if not is_one(found[1]) then return members end
    members[#members + 1] = found[1]
    rank = rank + 1
  end
end
