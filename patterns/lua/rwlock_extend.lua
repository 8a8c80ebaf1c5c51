-- Let a lease last longer, if its holder still has it. It never becomes shorter.
--
-- KEYS[1]  holders  a sorted set of tokens by when their leases end, in milliseconds of the server's clock
-- ARGV[1]  token
-- ARGV[2]  length of the lease from now, at least, in milliseconds
-- ARGV[3]  how long one counts as waiting who does not look again, in milliseconds
-- Reply:   1, or 0 if the lease has ended
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not ends or tonumber(ends) <= now then return 0 end
redis.call('ZADD', KEYS[1], math.max(now + ARGV[2], tonumber(ends)), ARGV[1])
redis.call('PEXPIRE', KEYS[1], math.max(ARGV[2] + ARGV[3], redis.call('PTTL', KEYS[1])))
return 1
