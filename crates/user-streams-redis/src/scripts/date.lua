-- What other scripts begin with: the timestamp of a sort key in decimal. Exact up to 2^53, and no
-- date is beyond.
local function date_of(sort_key)
  local high, low = struct.unpack('>I4I4', sort_key)
  return string.format('%.0f', (high - 2147483648) * 4294967296 + low)
end
