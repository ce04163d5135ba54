-- Deletes items of the stream KEYS[1] between two places, the oldest ones, up to ARGV[2] of them.
-- ARGV[3] and ARGV[4], a score and a sort key, are the place that they are newer than, if there is
-- one. ARGV[5] and ARGV[6] are the place that they are older than, the beginning of a member; or
-- they are up to the member there, the whole of it, if ARGV[7] is 'through'.
-- Returns how many there were, and 1 if there are more. With ARGV[1], a prefix, shared content at it
-- and the item's timestamp and id loses a reference for each.
local key, prefix, limit = KEYS[1], ARGV[1], tonumber(ARGV[2])

-- 64 bits in decimal: as one number Lua would round them.
local function decimal(high, low)
  local rest = high * 967296 + low -- 2^32 is 4294967296.
  local millions = high * 4294 + math.floor(rest / 1000000)
  if millions == 0 then return string.format('%d', rest) end
  return string.format('%.0f%06d', millions, rest % 1000000)
end

local is_through = ARGV[7] == 'through'
local first = ARGV[4] ~= '' and before(key, ARGV[3], ARGV[4], true) or 0
local last = before(key, ARGV[5], ARGV[6], is_through, is_through) - 1
local is_part = last - first >= limit
if is_part then last = first + limit - 1 end
if last < first then return {0, 0} end
local members = prefix ~= '' and redis.call('ZRANGE', key, first, last) or {}
local deleted, failure = redis.call('ZREMRANGEBYRANK', key, first, last), nil
for _, member in ipairs(members) do
  if is_shared(member) then
    -- From the member, not from the score, which something else may have changed.
    local id = decimal(struct.unpack('>I4I4', member, 9))
    local failed = release(prefix .. date_of(member) .. ':' .. id, 1)
    failure = failure or failed
  end
end
return failure or {deleted, is_part and 1 or 0}
