-- Begin a session.
-- KEYS[1] the session   KEYS[2] the sessions of its user, by the time (ms) when they end; what is not in it is no session
-- ARGV[1] the session's name in KEYS[2]   ARGV[2] its data   ARGV[3] ms that it lives unused
-- ARGV[4] ms that it lives at most, 0 for no limit
-- Reply: 1
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local left, last = tonumber(ARGV[3]), 0
if ARGV[4] ~= '0' then
  left, last = math.min(left, ARGV[4]), now + ARGV[4]
end
-- The data stands behind the time at which it ends whatever happens.
redis.call('SET', KEYS[1], string.format('%.0f|', last) .. ARGV[2], 'PX', left)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now))
redis.call('ZADD', KEYS[2], string.format('%.0f', now + left), ARGV[1])
redis.call('PEXPIREAT', KEYS[2], redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2])
return 1
