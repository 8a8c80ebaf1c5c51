-- Take a lock if it is free, or once more if its holder asks again because the reply was lost.
--
-- KEYS[1]  the lock: "fence token" of its holder; expires with the lease
-- KEYS[2]  "fence" of the last lease, followed by " token" once that was released
-- KEYS[3]  a list that wakes one who waits
-- ARGV[1]  token
-- ARGV[2]  length of the lease, in milliseconds
-- ARGV[3]  how long KEYS[2] is kept, in milliseconds
-- Reply:   {1, fence, length of the lease} or {0, 0, milliseconds until the present lease ends}
--
-- A fence is the number after the last one, but at least the server's microseconds: so they rise even if KEYS[2] was
-- evicted, or lost in a failover.
local held = redis.call('GET', KEYS[1])
if held then
  local fence, token = string.match(held, '^(%d+) (.*)$')
  if token ~= ARGV[1] then return {0, 0, redis.call('PTTL', KEYS[1])} end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return {1, tonumber(fence), tonumber(ARGV[2])}
end

local time = redis.call('TIME')
local last = string.match(redis.call('GET', KEYS[2]) or '', '^%d+') or 0
local fence = math.max(tonumber(last) + 1, time[1] * 1000000 + time[2])
redis.call('SET', KEYS[1], string.format('%.0f %s', fence, ARGV[1]), 'PX', ARGV[2])
redis.call('SET', KEYS[2], string.format('%.0f', fence), 'PX', ARGV[3])
redis.call('DEL', KEYS[3])
return {1, fence, tonumber(ARGV[2])}
