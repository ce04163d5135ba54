-- What other scripts begin with: puts a member with this score into the stream `key`. Returns 1; or
-- 0 if there is an item of the same sort key, the first 16 bytes of a member; or a table, the error.
local function insert(key, score, member)
  local added = redis.pcall('ZADD', key, 'NX', score, member)
  -- Nearly always it is the only item of its microsecond. Otherwise a member of the same sort key
  -- and other content would be its neighbour; then the first one stays.
  if added == 1 and redis.call('ZCOUNT', key, score, score) > 1 then
    local sort_key, rank = string.sub(member, 1, 16), redis.call('ZRANK', key, member)
    for _, other in ipairs(redis.call('ZRANGE', key, math.max(rank - 1, 0), rank + 1)) do
      if other ~= member and string.sub(other, 1, 16) == sort_key then
        redis.call('ZREM', key, member)
        return 0
      end
    end
  end
  return added
end
