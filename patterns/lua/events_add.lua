-- Note an event in a series, and let go what is too old.
--
-- KEYS[1]  a sorted set of "id value", their score when it was, in microseconds since the epoch
-- ARGV[1]  id
-- ARGV[2]  value
-- ARGV[3]  when it was, in microseconds; empty for now
-- ARGV[4]  how long events are kept, in milliseconds
-- Reply:   when it was, in microseconds, as text; nothing if that is too long ago
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local at = ARGV[3] == '' and now or tonumber(ARGV[3])
local oldest = now - ARGV[4] * 1000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', oldest))
if at <= oldest then return nil end
local event = ARGV[1] .. ' ' .. ARGV[2]
redis.call('ZADD', KEYS[1], 'NX', string.format('%.0f', at), event)
local latest = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
redis.call('PEXPIRE', KEYS[1], math.ceil((math.max(now, tonumber(latest)) - oldest) / 1000))
return string.format('%.0f', redis.call('ZSCORE', KEYS[1], event)) -- of the first time, if it is there already
