-- A job has failed: let it be tried again after a delay, or give it up after its last attempt.
--
-- KEYS[1]  jobs       a hash: p<id> payload, s<id> place in the order, a<id> attempts, r<id> receipt, e<id> last error
-- KEYS[2]  ready      a sorted set of ids by their place
-- KEYS[3]  scheduled  a sorted set of ids by when they become ready, in milliseconds of the server's clock
-- KEYS[4]  taken      a sorted set of ids by when they are to be given to another worker
-- KEYS[5]  dead       a sorted set of ids by when they were given up
-- KEYS[6]  wake       a list that wakes one worker who waits
-- KEYS[7]  hand       what became of the receipt: "failed" if this was said before, and the reply was lost
-- ARGV[1]  id
-- ARGV[2]  receipt
-- ARGV[3]  delay, in milliseconds
-- ARGV[4]  how many attempts a job has
-- ARGV[5]  error
-- ARGV[6]  how long KEYS[6] is kept, in milliseconds
-- ARGV[7]  how long KEYS[7] is kept, in milliseconds
-- Reply:   1 if it will be tried again, 2 if it was given up, 3 if it had been failed before, 0 if its time had run out before
if redis.call('GET', KEYS[7]) == 'failed' then return 3 end
if redis.call('HGET', KEYS[1], 'r' .. ARGV[1]) ~= ARGV[2] then return 0 end
if redis.call('ZREM', KEYS[4], ARGV[1]) == 0 then return 0 end
redis.call('SET', KEYS[7], 'failed', 'PX', ARGV[7])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'e' .. ARGV[1], ARGV[5])
if tonumber(redis.call('HGET', KEYS[1], 'a' .. ARGV[1])) >= tonumber(ARGV[4]) then
  redis.call('ZADD', KEYS[5], now, ARGV[1])
  return 2
end

local news = true
if tonumber(ARGV[3]) > 0 then
  redis.call('ZADD', KEYS[3], now + ARGV[3], ARGV[1])
  news = redis.call('ZRANK', KEYS[3], ARGV[1]) == 0
else
  redis.call('ZADD', KEYS[2], redis.call('HGET', KEYS[1], 's' .. ARGV[1]), ARGV[1])
end
if news and redis.call('LLEN', KEYS[6]) == 0 then
  redis.call('RPUSH', KEYS[6], 'job')
  redis.call('PEXPIRE', KEYS[6], ARGV[6])
end
return 1
