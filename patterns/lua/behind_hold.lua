-- A worker goes on, or gives up being the worker, unless it is not any more.
-- KEYS[1] the worker's lock
-- ARGV[1] the worker's token   ARGV[2] ms of the lock from now, 0 to give it back
-- Reply: 1, or 0 if the lock has run out or is another worker's
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
