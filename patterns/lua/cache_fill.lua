-- End a lease: with a value, or without one (its loader failed). Only the lease's own token can; an invalidation took it.
-- KEYS[1] the value   KEYS[2] the lease   KEYS[3] what wakes those who wait
-- ARGV[1] the token   ARGV[2] ms that a wake-up stays   ARGV[3] the value, if there is one
-- ARGV[4] its time to live in ms, 0 for ever
-- Reply: 1, or 0 if the lease was no longer ours: then nothing was written
local lease = redis.call('GET', KEYS[2])
if not lease or string.sub(lease, 1, 16) ~= ARGV[1] then
  return 0
end
if ARGV[3] then
  if ARGV[4] == '0' then
    redis.call('SET', KEYS[1], ARGV[3])
  else
    redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
  end
end
redis.call('DEL', KEYS[2])
if #lease > 16 then
  redis.call('XADD', KEYS[3], '*', 'ended', '1')
  redis.call('PEXPIRE', KEYS[3], ARGV[2])
end
return 1
