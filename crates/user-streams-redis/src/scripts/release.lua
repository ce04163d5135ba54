-- What other scripts begin with: shared content loses references. A member that refers to it is a
-- sort key and one NUL.
local function is_shared(member)
  return #member == 17 and string.byte(member, 17) == 0
end

-- Takes so many references from the content at the key `item`, and deletes it with the last one.
-- Returns an error if there is one: pcall, for nothing must end this half-way, such as a value of
-- another type.
local function release(item, number)
  local references, reply = tonumber(redis.pcall('GETRANGE', item, 0, 9)), nil
  if references and references > number then
    reply = redis.pcall('SETRANGE', item, 0, string.format('%010d', references - number))
  elseif references then
    reply = redis.pcall('DEL', item)
  end
  return type(reply) == 'table' and reply or nil
end
