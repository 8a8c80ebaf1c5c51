-- Store a value, unless a later version was stored: the version never goes down.
-- KEYS[1] the value   KEYS[2] the lease   KEYS[3] what wakes those who wait   KEYS[4] (not used)   KEYS[5] the version
-- ARGV[1] the version in decimal digits   ARGV[2] the value   ARGV[3] its time to live in ms, 0 for ever
-- ARGV[4] ms that the version is remembered   ARGV[5] the channel of invalidations   ARGV[6] what to say there
-- ARGV[7] ms that a wake-up stays
-- Reply: 1 if it was stored, else 0
local version, last = ARGV[1], redis.call('GET', KEYS[5]) or ''
if #version < #last or (#version == #last and version < last) then
  return 0
end
redis.call('SET', KEYS[5], version, 'PX', ARGV[4])
if ARGV[3] == '0' then
  redis.call('SET', KEYS[1], ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
local lease = redis.call('GET', KEYS[2])
if lease and lease ~= 'writing' then
  redis.call('DEL', KEYS[2])
  if #lease > 16 then
    redis.call('XADD', KEYS[3], '*', 'ended', '1')
    redis.call('PEXPIRE', KEYS[3], ARGV[7])
  end
end
redis.call('PUBLISH', ARGV[5], ARGV[6])
return 1
