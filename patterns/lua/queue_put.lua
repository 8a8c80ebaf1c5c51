-- Put a job into a queue, unless one with its id is there.
--
-- KEYS[1]  jobs       a hash: p<id> payload, s<id> place in the order, a<id> attempts, r<id> receipt, e<id> last error
-- KEYS[2]  ready      a sorted set of ids by their place: higher priority first, then first in, first out
-- KEYS[3]  scheduled  a sorted set of ids by when they become ready, in milliseconds of the server's clock
-- KEYS[4]  order      the last number given to a job
-- KEYS[5]  wake       a list that wakes one worker who waits
-- KEYS[6]  put        there if this very call has put the job before, and its reply was lost
-- ARGV[1]  id
-- ARGV[2]  payload
-- ARGV[3]  delay, in milliseconds
-- ARGV[4]  priority
-- ARGV[5]  how long KEYS[5] is kept, in milliseconds
-- ARGV[6]  how long KEYS[6] is kept, in milliseconds
-- Reply:   1, or 0 if there is a job with that id
if redis.call('EXISTS', KEYS[6]) == 1 then return 1 end -- it may be done already
if redis.call('HEXISTS', KEYS[1], 'p' .. ARGV[1]) == 1 then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local number = math.max(now, (tonumber(redis.call('GET', KEYS[4]) or 0)) + 1)
local place = string.format('%.0f', number - tonumber(ARGV[4]) * 4398046511104) -- 2^42: until the year 2109
redis.call('SET', KEYS[4], string.format('%.0f', number))
redis.call('SET', KEYS[6], 1, 'PX', ARGV[6])
redis.call('HSET', KEYS[1], 'p' .. ARGV[1], ARGV[2], 's' .. ARGV[1], place, 'a' .. ARGV[1], 0)

local news = true
if tonumber(ARGV[3]) > 0 then
  redis.call('ZADD', KEYS[3], now + ARGV[3], ARGV[1])
  news = redis.call('ZRANK', KEYS[3], ARGV[1]) == 0 -- who waits has to wait for this one instead
else
  redis.call('ZADD', KEYS[2], place, ARGV[1])
end
if news and redis.call('LLEN', KEYS[5]) == 0 then
  redis.call('RPUSH', KEYS[5], 'job')
  redis.call('PEXPIRE', KEYS[5], ARGV[5])
end
return 1
