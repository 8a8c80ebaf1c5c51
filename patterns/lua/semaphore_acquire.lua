-- Take one of a limited number of permits, or the same one again if its holder asks again because the reply was lost.
--
-- KEYS[1]  a sorted set of the holders' tokens, the score when a lease ends, in milliseconds of the server's clock
-- KEYS[2]  a list that wakes those who wait
-- ARGV[1]  token
-- ARGV[2]  length of the lease, in milliseconds
-- ARGV[3]  how many may hold a permit
-- Reply:   {1, length of the lease}, or {0, milliseconds until the next lease ends}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local length, limit = tonumber(ARGV[2]), tonumber(ARGV[3])

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local held = redis.call('ZCARD', KEYS[1])
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  if held >= limit then
    return {0, tonumber(redis.call('ZRANGE', KEYS[1], held - limit, held - limit, 'WITHSCORES')[2]) - now}
  end
  held = held + 1
end
redis.call('ZADD', KEYS[1], now + length, ARGV[1])
redis.call('PEXPIRE', KEYS[1], math.max(length, redis.call('PTTL', KEYS[1])))
if held >= limit then -- never more wake-ups in store than permits
  redis.call('DEL', KEYS[2])
else
  redis.call('LTRIM', KEYS[2], 0, limit - held - 1)
end
return {1, length}
