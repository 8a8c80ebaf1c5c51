-- Add an entry to a feed, and let go what is too much or too old.
--
-- KEYS[1]  a stream, each entry with a field v
-- KEYS[2]  the id of the entry, if this very call has added it before, and its reply was lost
-- ARGV[1]  value
-- ARGV[2]  how many entries are kept
-- ARGV[3]  how long an entry is kept, in milliseconds; so is the key after the last one
-- ARGV[4]  how long KEYS[2] is kept, in milliseconds
-- Reply:   the id of the entry
local id = redis.call('GET', KEYS[2])
if id then return id end
id = redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[2], '*', 'v', ARGV[1])
local at = string.match(id, '^%d+')
redis.call('XTRIM', KEYS[1], 'MINID', string.format('%.0f', math.max(0, at - ARGV[3] + 1)))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('SET', KEYS[2], id, 'PX', ARGV[4])
return id
