-- A worker needs more time for its job.
--
-- KEYS[1]  jobs       a hash: r<id> is the receipt of the worker who has the job
-- KEYS[2]  taken      a sorted set of ids by when they are to be given to another worker
-- ARGV[1]  id
-- ARGV[2]  receipt
-- ARGV[3]  visibility timeout from now, in milliseconds
-- Reply:   1, or 0 if its time had run out before
if redis.call('HGET', KEYS[1], 'r' .. ARGV[1]) ~= ARGV[2] then return 0 end
if not redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 0 end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3], ARGV[1])
return 1
