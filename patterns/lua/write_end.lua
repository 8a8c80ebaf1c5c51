-- A writer ends. Its value is stored if no other writer is at work, and no later version was written: the version never goes
-- down. A value that could be old is not left: without one, readers load what is true.
-- KEYS[1] the value   KEYS[2] the lease   KEYS[3] (not used)   KEYS[4] the writers at work   KEYS[5] the version
-- ARGV[1] the writer's token   ARGV[2] the version in decimal digits, empty if the write failed   ARGV[3] the value
-- ARGV[4] its time to live in ms, 0 for ever   ARGV[5] ms that the version is remembered   ARGV[6] the channel of
-- invalidations   ARGV[7] what to say there
-- (Members of KEYS[4] that begin with an x may not store: somebody beside them failed.)
-- Reply: 1 if the value was stored, else 0
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local crashed = redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', '(' .. string.format('%.0f', now)) > 0
local known = redis.call('ZREM', KEYS[4], ARGV[1]) == 1 and not crashed
redis.call('ZREM', KEYS[4], 'x' .. ARGV[1])
if crashed or ARGV[2] == '' then
  -- One has crashed, or failed: nobody knows what it has written. Whoever was at work beside it may have an older version.
  for _, other in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1)) do
    if #other == 16 then
      redis.call('ZADD', KEYS[4], redis.call('ZSCORE', KEYS[4], other), 'x' .. other)
      redis.call('ZREM', KEYS[4], other)
    end
  end
end
local alone = redis.call('EXISTS', KEYS[4]) == 0
local version, last = ARGV[2], redis.call('GET', KEYS[5])
-- Digits are compared as digits: as numbers of Lua they would be exact up to 2^53 only.
local later = version ~= '' and (not last or #version > #last or (#version == #last and version >= last))
local stored = 0
if later then
  redis.call('SET', KEYS[5], version, 'PX', ARGV[5])
end
if later and known and alone and last then
  if ARGV[4] == '0' then
    redis.call('SET', KEYS[1], ARGV[3])
  else
    redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
  end
  stored = 1
elseif later or version == '' then
  redis.call('UNLINK', KEYS[1])
end
if alone or later or version == '' then
  -- Loads that began while it was written are as old as it was; while others write, their mark stays.
  if alone then
    redis.call('DEL', KEYS[2])
  end
  redis.call('PUBLISH', ARGV[6], ARGV[7])
end
return stored
