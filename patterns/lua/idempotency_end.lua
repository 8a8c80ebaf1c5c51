-- What is to be done once is done, or has failed: then it may be tried again. Only who began can end it.
-- KEYS[1] the record   KEYS[2] what wakes those who wait
-- ARGV[1] the token   ARGV[2] ms to remember the result, or 0 if it failed   ARGV[3] ms that a wake-up stays
-- ARGV[4] unless it failed: 'result', or 'unstorable' if there can be none   ARGV[5] the result, or why there is none
-- Reply: 1, or 0 if it was no longer ours
local found = redis.call('HMGET', KEYS[1], 'token', 'result', 'waited', 'unstorable')
if found[1] ~= ARGV[1] or found[2] or found[4] then
  return 0
end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('HSET', KEYS[1], ARGV[4], ARGV[5])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
if found[3] then
  redis.call('XADD', KEYS[2], '*', 'ended', '1')
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
return 1
