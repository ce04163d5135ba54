-- For each of the streams of KEYS, which may be there several times, whether it has the item of the
-- score and the sort key that ARGV has for it: 1 or 0; -1 if the key is of another type.
local answers = {}
for i, key in ipairs(KEYS) do
  local is_zset, members = pcall(members_of, key, ARGV[2 * i - 1], ARGV[2 * i])
  if is_zset then
    answers[i] = #members > 0 and 1 or 0
  else
    note(i, type(members) == 'table' and members or {err = members})
    answers[i] = -1
  end
end
return failure or answers
