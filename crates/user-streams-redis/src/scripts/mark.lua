-- Moves the mark ARGV[1] of the marks KEYS[1] to the place ARGV[2], 16 bytes; to nowhere if that is
-- empty. It moves forward alone, unless ARGV[3] is 'back'. Returns whether it moved. A value that
-- is no place is as good as none.
local key, name, to = KEYS[1], ARGV[1], ARGV[2]
local now = redis.call('HGET', key, name)
if now == to or not now and to == '' then return 0 end
if ARGV[3] ~= 'back' then
  if to == '' or now and is_place(now) and compare(to, now) < 0 then return 0 end
end
if to == '' then redis.call('HDEL', key, name) else redis.call('HSET', key, name, to) end
return 1
