-- Up to ARGV[3] members of the stream KEYS[1], newest first: those right after the sort key ARGV[2]
-- (created_at, id), or right before it if ARGV[4] is 'before'. ARGV[1] is its score. Its rank among
-- members of one score is found by bisection, so a thousand items of one timestamp take ten steps.
local key, score, sort_key, limit = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local before = ARGV[4] == 'before'

-- By bytes: Lua itself compares strings by the server's locale.
local function compare(member)
  for i = 1, 16 do
    local a, b = string.byte(member, i) or -1, string.byte(sort_key, i)
    if a ~= b then return a - b end
  end
  return 0
end

-- Ranks count from the newest. All before `low` are before the sort key, all from `high` on after.
local low = redis.call('ZCOUNT', key, '(' .. score, '+inf')
local high = low + redis.call('ZCOUNT', key, score, score)
while low < high do
  local middle = math.floor((low + high) / 2)
  local order = compare(redis.call('ZRANGE', key, middle, middle, 'REV')[1])
  if order > 0 or (order == 0 and not before) then low = middle + 1 else high = middle end
end
if not before then return redis.call('ZRANGE', key, low, low + limit - 1, 'REV') end
if low == 0 then return {} end
return redis.call('ZRANGE', key, math.max(low - limit, 0), low - 1, 'REV')
