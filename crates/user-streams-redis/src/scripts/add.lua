-- Adds one item to the streams of KEYS and returns how many of them had no item in its place.
-- ARGV: the score, the member. The first 16 bytes of a member are its place (created_at, id).
local score, member = ARGV[1], ARGV[2]
local place = string.sub(member, 1, 16)
local added, failure = 0, nil
for _, key in ipairs(KEYS) do
  local reply = redis.pcall('ZADD', key, 'NX', score, member)
  if type(reply) == 'table' then
    failure = failure or reply -- One key that is no sorted set must not keep the item from the others.
  elseif reply == 1 then
    added = added + 1
    -- Nearly always it is alone in its microsecond. If not, a member of the same place with another content would
    -- be a neighbour, and the first one stays.
    if redis.call('ZCOUNT', key, score, score) > 1 then
      local rank = redis.call('ZRANK', key, member)
      for _, other in ipairs(redis.call('ZRANGE', key, math.max(rank - 1, 0), rank + 1)) do
        if other ~= member and string.sub(other, 1, 16) == place then
          redis.call('ZREM', key, member)
          added = added - 1
          break
        end
      end
    end
  end
end
return failure or added
