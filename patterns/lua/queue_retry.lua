-- Put a job that was given up back into the queue, with all its attempts before it.
--
-- KEYS[1]  jobs       a hash: s<id> place in the order, a<id> attempts, r<id> receipt
-- KEYS[2]  ready      a sorted set of ids by their place
-- KEYS[3]  dead       a sorted set of ids by when they were given up
-- KEYS[4]  wake       a list that wakes one worker who waits
-- ARGV[1]  id
-- ARGV[2]  how long KEYS[4] is kept, in milliseconds
-- Reply:   1, or 0 if no such job was given up
if redis.call('ZREM', KEYS[3], ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'a' .. ARGV[1], 0)
redis.call('HDEL', KEYS[1], 'r' .. ARGV[1])
redis.call('ZADD', KEYS[2], redis.call('HGET', KEYS[1], 's' .. ARGV[1]), ARGV[1])
if redis.call('LLEN', KEYS[4]) == 0 then
  redis.call('RPUSH', KEYS[4], 'job')
  redis.call('PEXPIRE', KEYS[4], ARGV[2])
end
return 1
