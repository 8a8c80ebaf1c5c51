-- The events of a time, or how many there are; none that is too old.
--
-- KEYS[1]  a sorted set of "id value", their score when it was, in microseconds since the epoch
-- ARGV[1]  "range", "reverse" or "count"
-- ARGV[2]  first moment, in microseconds; empty for the oldest that is kept
-- ARGV[3]  last moment, which is not part of it; empty for no end
-- ARGV[4]  at most how many
-- ARGV[5]  how long events are kept, in milliseconds
-- Reply:   a list of "id value" and when, one after the other; or a number
local time = redis.call('TIME')
local oldest = time[1] * 1000000 + time[2] - ARGV[5] * 1000 + 1
if ARGV[2] ~= '' then oldest = math.max(oldest, tonumber(ARGV[2])) end
local first, last = string.format('%.0f', oldest), ARGV[3] == '' and '+inf' or '(' .. ARGV[3]
if ARGV[1] == 'count' then return redis.call('ZCOUNT', KEYS[1], first, last) end
if ARGV[1] == 'range' then
  return redis.call('ZRANGEBYSCORE', KEYS[1], first, last, 'WITHSCORES', 'LIMIT', 0, ARGV[4])
end
return redis.call('ZREVRANGEBYSCORE', KEYS[1], last, first, 'WITHSCORES', 'LIMIT', 0, ARGV[4])
