-- What other scripts begin with: the timestamp of a sort key. As a number it is exact up to 2^53, and
-- no date is beyond.
local function micros_of(sort_key)
  local high, low = struct.unpack('>I4I4', sort_key)
  return (high - 2147483648) * 4294967296 + low
end

-- In decimal.
local function date_of(sort_key)
  return string.format('%.0f', micros_of(sort_key))
end

-- Whether these are 16 bytes with a date and an id, which is positive.
local function is_place(bytes)
  if #bytes ~= 16 or math.abs(micros_of(bytes)) > 9007199254740992 then return false end
  local high, low = struct.unpack('>I4I4', bytes, 9)
  return high < 2147483648 and high + low > 0
end
