-- End a session, or all sessions of a user: from here on there are none, whatever becomes of their keys.
-- KEYS[1] the sessions of the user   KEYS[2] the session, if it is one alone
-- ARGV[1] its name in KEYS[1], if it is one alone
-- Reply: the names of the sessions that were there
if KEYS[2] then
  redis.call('DEL', KEYS[2])
  return redis.call('ZREM', KEYS[1], ARGV[1]) == 1 and {ARGV[1]} or {}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local names = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. string.format('%.0f', now), '+inf')
redis.call('DEL', KEYS[1])
return names
