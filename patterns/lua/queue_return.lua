-- Put back what a worker was given that did not wait for it, as if it had not been taken.
--
-- KEYS[1]  jobs       a hash: s<id> place in the order, a<id> attempts, r<id> receipt
-- KEYS[2]  ready      a sorted set of ids by their place
-- KEYS[3]  taken      a sorted set of ids by when they are to be given to another worker
-- KEYS[4]  wake       a list that wakes one worker who waits
-- KEYS[5]  hand       what became of the receipt: "taken <id>"
-- ARGV[1]  receipt
-- ARGV[2]  how long KEYS[4] is kept, in milliseconds
-- ARGV[3]  how long KEYS[5] is kept, in milliseconds
-- Reply:   1, or 0 if nothing was taken with that receipt, or another worker has it now
local id = string.match(redis.call('GET', KEYS[5]) or '', '^taken (.*)$')
redis.call('SET', KEYS[5], 'returned', 'PX', ARGV[3]) -- the request to take may still be on its way
if not id or redis.call('HGET', KEYS[1], 'r' .. id) ~= ARGV[1] then return 0 end
if redis.call('ZREM', KEYS[3], id) == 0 then return 0 end
redis.call('HINCRBY', KEYS[1], 'a' .. id, -1)
redis.call('HDEL', KEYS[1], 'r' .. id)
redis.call('ZADD', KEYS[2], redis.call('HGET', KEYS[1], 's' .. id), id)
if redis.call('LLEN', KEYS[4]) == 0 then
  redis.call('RPUSH', KEYS[4], 'job')
  redis.call('PEXPIRE', KEYS[4], ARGV[2])
end
return 1
