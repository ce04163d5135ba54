-- Deletes members from the stream KEYS[1] and returns how many there were. ARGV: the prefix of the
-- keys of shared content, or nothing if that is on other servers. Then, for each member: itself, the
-- score that it had when it was found damaged, and the rest of the key of its shared content if
-- nothing else is wrong with it. It stays if it has another score by now, or its content is back.
local key, prefix, deleted = KEYS[1], ARGV[1], 0
for i = 2, #ARGV, 3 do
  local member, score, content = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local is_there = content ~= '' and prefix ~= ''
    and redis.call('TYPE', prefix .. content).ok == 'string'
    and redis.call('STRLEN', prefix .. content) >= 10
  if not is_there and redis.call('ZSCORE', key, member) == score then
    deleted = deleted + redis.call('ZREM', key, member)
  end
end
return deleted
