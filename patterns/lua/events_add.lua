-- Note an event in a series, and let go what is too old.
--
-- KEYS[1]  a sorted set of ids, their score when it was, in microseconds since the epoch
-- KEYS[2]  a hash of their values, by id
-- ARGV[1]  id
-- ARGV[2]  value
-- ARGV[3]  when it was, in microseconds; empty for now
-- ARGV[4]  how long events are kept, in milliseconds
-- Reply:   when it was, in microseconds, as text; nothing if that is too long ago
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local at = ARGV[3] == '' and now or tonumber(ARGV[3])
local oldest = now - ARGV[4] * 1000
local past = string.format('%.0f', oldest)
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', past)
for first = 1, #gone, 1000 do -- as many as a call of Lua's can take, and more
  redis.call('HDEL', KEYS[2], unpack(gone, first, math.min(first + 999, #gone)))
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', past)
if at <= oldest then return nil end
if redis.call('ZADD', KEYS[1], 'NX', string.format('%.0f', at), ARGV[1]) == 1 then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
end
local latest = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
local left = math.ceil((math.max(now, tonumber(latest)) - oldest) / 1000)
redis.call('PEXPIRE', KEYS[1], left)
redis.call('PEXPIRE', KEYS[2], left)
return string.format('%.0f', redis.call('ZSCORE', KEYS[1], ARGV[1])) -- of the first time, if it is there already
