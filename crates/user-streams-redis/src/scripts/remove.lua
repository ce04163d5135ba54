-- Removes one item from the streams of KEYS and returns how many of them had it.
-- ARGV: the score, the sort key. With ARGV[3] the last of KEYS is not a stream but the key of the
-- item's shared content, which loses a reference for each member that referred to it.
local score, sort_key = ARGV[1], ARGV[2]
local removed, references = 0, 0
local item = ARGV[3] and table.remove(KEYS)
for i, key in ipairs(KEYS) do
  local is_zset, members = pcall(members_of, key, score, sort_key)
  if not is_zset then
    note(i, type(members) == 'table' and members or {err = members})
  elseif #members > 0 then
    redis.call('ZREM', key, unpack(members))
    removed = removed + 1
    for _, member in ipairs(members) do
      if is_shared(member) then references = references + 1 end
    end
  end
end
if item and references > 0 then
  local failed = release(item, references)
  failure = failure or failed
end
return changed(removed)
