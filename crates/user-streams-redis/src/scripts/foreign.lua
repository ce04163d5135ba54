-- What other scripts begin with: the keys of another type than a stream, by their places in KEYS.
-- They must not keep a command from the other streams, and neither must another failure, of which
-- the first one is returned at the end.
local foreign, failure = {}, nil

local function note(place, reply)
  if string.find(reply.err, 'WRONGTYPE', 1, true) then
    foreign[#foreign + 1] = place
  else
    failure = failure or reply
  end
end

-- The reply: how many streams have changed; with the foreign ones, if there are any, in a table.
local function changed(number)
  if failure then return failure end
  if #foreign > 0 then return {number, foreign} end
  return number
end
