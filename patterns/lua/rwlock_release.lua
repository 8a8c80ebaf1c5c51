-- Give a read-write lock back, or a place among those who wait for it, and wake who can have it now.
--
-- KEYS[1]  holders   a sorted set of tokens by when their leases end, in milliseconds of the server's clock
-- KEYS[2]  writers   those who wait to write, by when they count as gone
-- KEYS[3]  readers   those who wait to read, by when they count as gone
-- KEYS[4]  promised  the readers who waited when the last writer left: they go before the next one
-- KEYS[5]  a stream that wakes all readers who wait, by a new entry
-- KEYS[6]  a list that wakes one writer who waits
-- ARGV[1]  token, which begins with r or w
-- ARGV[2]  how long KEYS[5] and KEYS[6] are kept, in milliseconds
-- Reply:   1, or 0 if the lease had ended, or was given back, before
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function living(key)
  return redis.call('ZCOUNT', key, '(' .. string.format('%.0f', now), '+inf')
end

local ends = redis.call('ZSCORE', KEYS[1], ARGV[1])
for place = 1, 4 do redis.call('ZREM', KEYS[place], ARGV[1]) end

local readers_can = false
if ends and string.sub(ARGV[1], 1, 1) == 'w' then
  readers_can = redis.call('EXISTS', KEYS[3]) == 1
  if readers_can then redis.call('RENAME', KEYS[3], KEYS[4]) end
elseif living(KEYS[2]) == 0 and living(KEYS[3]) > 0 then
  local holder = redis.call('ZRANGE', KEYS[1], -1, -1)[1]
  readers_can = not holder or string.sub(holder, 1, 1) == 'r' or living(KEYS[1]) == 0
end
if readers_can then
  redis.call('XADD', KEYS[5], 'MAXLEN', 1, '*', 'free', 'read')
  redis.call('PEXPIRE', KEYS[5], ARGV[2])
end
if living(KEYS[2]) > 0 and living(KEYS[1]) == 0 and living(KEYS[4]) == 0 and redis.call('LLEN', KEYS[6]) == 0 then
  redis.call('RPUSH', KEYS[6], 'free')
  redis.call('PEXPIRE', KEYS[6], ARGV[2])
end
return ends and tonumber(ends) > now and 1 or 0
