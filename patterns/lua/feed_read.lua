-- Entries of a feed that are not too old, latest first or, after an id, earliest first.
--
-- KEYS[1]  a stream, each entry with a field v
-- ARGV[1]  "latest" or "since"
-- ARGV[2]  the id before which, or after which; empty for no such bound
-- ARGV[3]  how many
-- ARGV[4]  how long an entry is kept, in milliseconds
-- Reply:   a list of {id, {"v", value}}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local oldest = string.format('%.0f', math.max(0, now - ARGV[4] + 1))
if ARGV[1] == 'latest' then
  return redis.call('XREVRANGE', KEYS[1], ARGV[2] == '' and '+' or '(' .. ARGV[2], oldest, 'COUNT', ARGV[3])
end
if ARGV[2] ~= '' and tonumber(string.match(ARGV[2], '^%d+')) >= tonumber(oldest) then oldest = '(' .. ARGV[2] end
return redis.call('XRANGE', KEYS[1], oldest, '+', 'COUNT', ARGV[3])
