-- Deletes the items of the stream KEYS[1] up to the member ARGV[1], which was the newest when it
-- was read, and returns how many there were. Newer items stay, even if this arrives late, after its
-- caller has given up.
local rank = redis.call('ZRANK', KEYS[1], ARGV[1])
if not rank then return 0 end
return redis.call('ZREMRANGEBYRANK', KEYS[1], 0, rank)
