-- Delete a value and the lease of whoever is loading it, so that what was true until now never lands; or write a new value.
-- The mark of a writer (write_begin) stays where the lease would be.
-- KEYS[1] the value   KEYS[2] the lease   KEYS[3] what wakes those who wait
-- ARGV[1] the channel of invalidations   ARGV[2] what to say there   ARGV[3] ms that a wake-up stays
-- ARGV[4] the new value, if there is one   ARGV[5] its time to live in ms, 0 for ever
-- Reply: 1 if there was a value, else 0
local had = redis.call('EXISTS', KEYS[1])
if not ARGV[4] then
  redis.call('UNLINK', KEYS[1])
elseif ARGV[5] == '0' then
  redis.call('SET', KEYS[1], ARGV[4])
else
  redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5])
end
local lease = redis.call('GET', KEYS[2])
if lease and lease ~= 'writing' then
  redis.call('DEL', KEYS[2])
  if #lease > 16 then
    redis.call('XADD', KEYS[3], '*', 'ended', '1')
    redis.call('PEXPIRE', KEYS[3], ARGV[3])
  end
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
return had
