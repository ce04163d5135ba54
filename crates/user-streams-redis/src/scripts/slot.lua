-- The keys of streams, those that begin with ARGV[2], in the slot ARGV[1] of a cluster. KEYS[1] is a
-- key of that slot which is never there: a server that does not have the slot, or not all of it,
-- redirects by it, and so cannot be asked in vain.
local prefix, streams = ARGV[2], {}
for _, key in ipairs(redis.call('CLUSTER', 'GETKEYSINSLOT', ARGV[1], 2147483647)) do
  if string.sub(key, 1, #prefix) == prefix then streams[#streams + 1] = key end
end
return streams
