-- Adds an item to each of the streams of KEYS, which may be there several times, and returns how
-- many were not there. ARGV: for each of KEYS the score and the member.
local added = 0
for i, key in ipairs(KEYS) do
  local reply = insert(key, ARGV[2 * i - 1], ARGV[2 * i])
  if type(reply) == 'table' then note(i, reply) else added = added + reply end
end
return changed(added)
