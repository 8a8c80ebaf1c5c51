-- Give a permit back and wake one who waits for it.
--
-- KEYS[1]  a sorted set of the holders' tokens, the score when a lease ends, in milliseconds of the server's clock
-- KEYS[2]  a list that wakes those who wait
-- ARGV[1]  token
-- ARGV[2]  how many may hold a permit
-- ARGV[3]  how long KEYS[2] is kept, in milliseconds
-- Reply:   1, or 0 if the lease had ended, or was given back, before
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('RPUSH', KEYS[2], 'free')
redis.call('LTRIM', KEYS[2], 0, ARGV[2] - 1)
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
