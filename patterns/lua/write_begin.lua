-- A writer begins: the value goes, and whoever is or begins loading cannot store what may be old, until all writers have ended.
-- KEYS[1] the value   KEYS[2] the lease   KEYS[3] what wakes those who wait   KEYS[4] the writers at work, each with the
-- time (ms) when it counts as crashed, an x before those that may not store (write_end)   KEYS[5] the version
-- ARGV[1] the writer's token   ARGV[2] ms that it may take   ARGV[3] the channel of invalidations   ARGV[4] what to say there
-- ARGV[5] ms that a wake-up stays
-- Reply: how many writers are at work
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('UNLINK', KEYS[1])
if redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', '(' .. string.format('%.0f', now)) > 0 then
  -- One has crashed, and nobody knows what it has written: whoever was at work beside it may have an older version.
  for _, other in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do
    if #other == 16 then
      redis.call('ZADD', KEYS[4], redis.call('ZSCORE', KEYS[4], other), 'x' .. other)
      redis.call('ZREM', KEYS[4], other)
    end
  end
end
redis.call('ZADD', KEYS[4], string.format('%.0f', now + ARGV[2]), ARGV[1])
if redis.call('PTTL', KEYS[4]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[4], ARGV[2])
end
local lease = redis.call('GET', KEYS[2])
if lease and lease ~= 'writing' and #lease > 16 then
  redis.call('XADD', KEYS[3], '*', 'ended', '1')
  redis.call('PEXPIRE', KEYS[3], ARGV[5])
end
redis.call('SET', KEYS[2], 'writing', 'PX', redis.call('PTTL', KEYS[4]))
-- So that a version that is lost while this writer is at work is missed, and not taken for the first.
redis.call('SET', KEYS[5], '', 'PX', ARGV[2], 'NX')
if redis.call('PTTL', KEYS[5]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[5], ARGV[2])
end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return redis.call('ZCARD', KEYS[4])
