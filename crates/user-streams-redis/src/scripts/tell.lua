-- What other scripts begin with where what comes is told: the last three of ARGV are the command, the
-- channel and the message. Nobody receives it before the script has ended; and if it is refused,
-- nothing is stored.
local message, channel, publish = table.remove(ARGV), table.remove(ARGV), table.remove(ARGV)
redis.call(publish, channel, message)
