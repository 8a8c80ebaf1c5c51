-- Let a lease last longer, if its holder still has it. It never becomes shorter.
--
-- KEYS[1]  the lock: "fence token" of its holder
-- ARGV[1]  token
-- ARGV[2]  length of the lease from now, at least, in milliseconds
-- Reply:   1, or 0 if the lease has ended
local held = redis.call('GET', KEYS[1])
if not held or string.match(held, '^%d+ (.*)$') ~= ARGV[1] then return 0 end
if tonumber(ARGV[2]) > redis.call('PTTL', KEYS[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1
