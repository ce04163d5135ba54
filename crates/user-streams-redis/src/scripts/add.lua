-- Adds one item to the streams of KEYS and returns how many of them did not have it.
-- ARGV: the score, the member. With ARGV[3], shared content, the last of KEYS is not a stream but
-- the key of the content, where a count of ten digits, how many members refer to it, precedes the
-- content.
local score, member, content = ARGV[1], ARGV[2], ARGV[3]
local added, item, stored = 0, nil, nil
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
  local reply = insert(key, score, member)
  if type(reply) == 'table' then note(i, reply) else added = added + reply end
end
if item and added > 0 then
  if stored then
    redis.call('SETRANGE', item, 0, string.format('%010d', string.sub(stored, 1, 10) + added))
  else
    redis.call('SET', item, string.format('%010d', added) .. content)
  end
end
return changed(added)
