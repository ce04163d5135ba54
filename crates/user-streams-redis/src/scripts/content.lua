-- The values of the first KEYS, and no more once they have ARGV[1] bytes; false for one that is not
-- a string.
local values, size = {}, 0
for i, key in ipairs(KEYS) do
  if i > 1 and size >= tonumber(ARGV[1]) then break end
  local value = redis.pcall('GET', key)
  if type(value) == 'table' then
    if not string.find(value.err, 'WRONGTYPE', 1, true) then return value end
    value = false
  end
  values[i] = value
  size = size + (value and #value or 0)
end
return values
