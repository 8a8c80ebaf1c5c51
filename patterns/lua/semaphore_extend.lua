-- Let the lease of a permit last longer, if its holder still has it. It never becomes shorter.
--
-- KEYS[1]  a sorted set of the holders' tokens, the score when a lease ends, in milliseconds of the server's clock
-- ARGV[1]  token
-- ARGV[2]  length of the lease from now, at least, in milliseconds
-- Reply:   1, or 0 if the lease has ended
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not ends or tonumber(ends) <= now then return 0 end
redis.call('ZADD', KEYS[1], math.max(now + ARGV[2], tonumber(ends)), ARGV[1])
redis.call('PEXPIRE', KEYS[1], math.max(tonumber(ARGV[2]), redis.call('PTTL', KEYS[1])))
return 1
