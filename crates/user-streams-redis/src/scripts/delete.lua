-- Deletes the oldest items of the stream KEYS[1], up to ARGV[3] of them and none after the member ARGV[2], which was the newest
-- when it was read. Returns how many they were, and that member if there are more up to it. Each content that
-- the stream shared with others, at ARGV[1] and its timestamp and id, loses one of its members, and goes with the last one.
local key, stem, last, limit = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])

-- 64 bits in decimal: as one number Lua would round them.
local function decimal(high, low)
  local rest = high * 967296 + low -- 2^32 is 4294967296.
  local millions = high * 4294 + math.floor(rest / 1000000)
  if millions == 0 then return string.format('%d', rest) end
  return string.format('%.0f%06d', millions, rest % 1000000)
end

local rank = redis.call('ZRANK', key, last)
if not rank then return {0} end
local deleted = redis.call('ZPOPMIN', key, math.min(rank + 1, limit))
for i = 1, #deleted, 2 do
  local member = deleted[i]
  if #member == 17 and string.byte(member, 17) == 0 then
    local id = decimal(struct.unpack('>I4I4', member, 9))
    local item = stem .. string.format('%.0f', deleted[i + 1]) .. ':' .. id
    -- Whatever else may be there must not end this half-way.
    local others = tonumber(redis.pcall('GETRANGE', item, 0, 9))
    if others and others > 1 then
      redis.call('SETRANGE', item, 0, string.format('%010d', others - 1))
    elseif others then
      redis.call('DEL', item)
    end
  end
end
return {#deleted / 2, rank >= limit and last or nil}
