-- Deletes the key KEYS[1] if it is of another type than a stream, and returns whether it did.
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'zset' or kind == 'none' then return 0 end
return redis.call('UNLINK', KEYS[1])
