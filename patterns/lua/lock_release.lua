-- Give a lock back and wake one who waits for it.
--
-- KEYS[1]  the lock: "fence token" of its holder
-- KEYS[2]  "fence" of the last lease, followed by " token" once that was released
-- KEYS[3]  a list that wakes one who waits
-- ARGV[1]  token
-- ARGV[2]  how long KEYS[2] is kept, in milliseconds
-- ARGV[3]  how long KEYS[3] is kept, in milliseconds
-- Reply:   1 if the holder gave it back, now or by an earlier call whose reply was lost; 0 if the lease had ended before
local fence, token = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (.*)$')
if token ~= ARGV[1] then
  local released = string.match(redis.call('GET', KEYS[2]) or '', '^%d+ (.*)$')
  return released == ARGV[1] and 1 or 0
end
redis.call('DEL', KEYS[1], KEYS[3])
redis.call('SET', KEYS[2], fence .. ' ' .. token, 'PX', ARGV[2])
redis.call('RPUSH', KEYS[3], 'free')
redis.call('PEXPIRE', KEYS[3], ARGV[3])
return 1
