-- The events of a time, or how many there are; none that is too old.
--
-- KEYS[1]  a sorted set of ids, their score when it was, in microseconds since the epoch
-- KEYS[2]  a hash of their values, by id
-- ARGV[1]  "range", "reverse" or "count"
-- ARGV[2]  first moment, in microseconds; empty for the oldest that is kept
-- ARGV[3]  last moment, which is not part of it; empty for no end
-- ARGV[4]  at most how many
-- ARGV[5]  how long events are kept, in milliseconds
-- Reply:   a list of {id, when, value}; or a number
local time = redis.call('TIME')
local oldest = time[1] * 1000000 + time[2] - ARGV[5] * 1000 + 1
if ARGV[2] ~= '' then oldest = math.max(oldest, tonumber(ARGV[2])) end
local first, last = string.format('%.0f', oldest), ARGV[3] == '' and '+inf' or '(' .. ARGV[3]
if ARGV[1] == 'count' then return redis.call('ZCOUNT', KEYS[1], first, last) end
local found
if ARGV[1] == 'range' then
  found = redis.call('ZRANGEBYSCORE', KEYS[1], first, last, 'WITHSCORES', 'LIMIT', 0, ARGV[4])
else
  found = redis.call('ZREVRANGEBYSCORE', KEYS[1], last, first, 'WITHSCORES', 'LIMIT', 0, ARGV[4])
end
local events = {}
for place = 1, #found, 2 do
  local value = redis.call('HGET', KEYS[2], found[place])
  if value then events[#events + 1] = {found[place], found[place + 1], value} end -- a key may have been evicted alone
end
return events
