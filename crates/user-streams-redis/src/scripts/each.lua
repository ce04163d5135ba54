-- Adds to each of the streams of KEYS an item of its own. ARGV: for each of KEYS the score and the
-- member. Returns for each 1, or 0 if the item was there; or -1 if that failed.
local replies = {}
for i, key in ipairs(KEYS) do
  local reply = insert(key, ARGV[2 * i - 1], ARGV[2 * i])
  replies[i] = type(reply) == 'table' and -1 or reply
end
return replies
