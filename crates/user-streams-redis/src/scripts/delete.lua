-- Deletes the oldest items of the stream KEYS[1], up to ARGV[3] of them and none newer than the
-- member ARGV[2], which was the newest when it was read. Returns how many there were, and that
-- member if there are more up to it. Shared content, at ARGV[1] and the item's timestamp and id,
-- loses a reference for each, and is deleted with the last one.
local key, prefix, newest, limit = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])

-- 64 bits in decimal: as one number Lua would round them.
local function decimal(high, low)
  local rest = high * 967296 + low -- 2^32 is 4294967296.
  local millions = high * 4294 + math.floor(rest / 1000000)
  if millions == 0 then return string.format('%d', rest) end
  return string.format('%.0f%06d', millions, rest % 1000000)
end

local rank = redis.call('ZRANK', key, newest)
if not rank then return {0} end
local deleted = redis.call('ZPOPMIN', key, math.min(rank + 1, limit))
local failure = nil
for i = 1, #deleted, 2 do
  local member = deleted[i]
  if #member == 17 and string.byte(member, 17) == 0 then
    -- From the member, not from the score, which something else may have changed. Exact up to 2^53,
    -- and no date is beyond.
    local at_high, at_low, id_high, id_low = struct.unpack('>I4I4I4I4', member)
    local at = string.format('%.0f', (at_high - 2147483648) * 4294967296 + at_low)
    local item = prefix .. at .. ':' .. decimal(id_high, id_low)
    -- pcall: nothing must end this half-way, such as a value of another type.
    local references, reply = tonumber(redis.pcall('GETRANGE', item, 0, 9)), nil
    if references and references > 1 then
      reply = redis.pcall('SETRANGE', item, 0, string.format('%010d', references - 1))
    elseif references then
      reply = redis.pcall('DEL', item)
    end
    if type(reply) == 'table' then failure = failure or reply end
  end
end
return failure or {#deleted / 2, rank >= limit and newest or nil}
