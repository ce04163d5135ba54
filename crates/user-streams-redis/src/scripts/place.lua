-- What other scripts begin with: places in a stream. A place is a score and bytes, to which the
-- beginnings of the members of that score are compared, or with `is_whole` the whole of them.

-- By bytes: Lua itself compares strings by the server's locale.
local function compare(member, place, is_whole)
  if not is_whole then member = string.sub(member, 1, #place) end
  if member == place then return 0 end
  for i = 1, math.max(#place, #member) do
    local a, b = string.byte(member, i) or -1, string.byte(place, i) or -1
    if a ~= b then return a - b end
  end
end

-- How many members of the stream `key` are before a place; with `is_through` those at it too. Among
-- the members of its score it is found by bisection, so a thousand of them take ten steps.
local function before(key, score, place, is_through, is_whole)
  local low = redis.call('ZCOUNT', key, '-inf', '(' .. score)
  local high = low + redis.call('ZCOUNT', key, score, score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local order = compare(redis.call('ZRANGE', key, middle, middle)[1], place, is_whole)
    if order < 0 or is_through and order == 0 then low = middle + 1 else high = middle end
  end
  return low
end
