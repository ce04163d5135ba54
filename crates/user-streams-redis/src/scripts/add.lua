-- Adds one item to the streams of KEYS and returns how many of them did not have it; with it, in a
-- table, the places in KEYS of those that are of another type, if there are any.
-- ARGV: the score, the member. The first 16 bytes of a member are its sort key (created_at, id).
-- With ARGV[3], shared content, the last of KEYS is not a stream but the key of the content, where
-- a count of ten digits, how many members refer to it, precedes the content.
local score, member, content = ARGV[1], ARGV[2], ARGV[3]
local sort_key = string.sub(member, 1, 16)
local added, failure, foreign = 0, nil, {}
local item, stored = nil, nil
if content then
  item = table.remove(KEYS)
  stored = redis.call('GET', item)
  if stored and not tonumber(string.sub(stored, 1, 10)) then
    return redis.error_reply('WRONGTYPE the value has no count')
  end
  if stored and string.sub(stored, 11) ~= content then
    return redis.error_reply('CONFLICT another content is stored for this item')
  end
end
for i, key in ipairs(KEYS) do
  local reply = redis.pcall('ZADD', key, 'NX', score, member)
  if type(reply) == 'table' then
    -- Neither must keep the item from the other streams.
    if string.find(reply.err, 'WRONGTYPE', 1, true) then
      foreign[#foreign + 1] = i
    else
      failure = failure or reply
    end
  elseif reply == 1 then
    added = added + 1
    -- Nearly always it is the only item of its microsecond. Otherwise a member of the same sort key
    -- and other content would be its neighbour; then the first one stays.
    if redis.call('ZCOUNT', key, score, score) > 1 then
      local rank = redis.call('ZRANK', key, member)
      for _, other in ipairs(redis.call('ZRANGE', key, math.max(rank - 1, 0), rank + 1)) do
        if other ~= member and string.sub(other, 1, 16) == sort_key then
          redis.call('ZREM', key, member)
          added = added - 1
          break
        end
      end
    end
  end
end
if item and added > 0 then
  if stored then
    redis.call('SETRANGE', item, 0, string.format('%010d', string.sub(stored, 1, 10) + added))
  else
    redis.call('SET', item, string.format('%010d', added) .. content)
  end
end
if failure then return failure end
if #foreign > 0 then return {added, foreign} end
return added
