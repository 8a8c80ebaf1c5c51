-- A job is done: forget it, unless another worker has it now.
--
-- KEYS[1]  jobs       a hash: p<id> payload, s<id> place in the order, a<id> attempts, r<id> receipt, e<id> last error
-- KEYS[2]  ready      a sorted set of ids by their place
-- KEYS[3]  scheduled  a sorted set of ids by when they become ready
-- KEYS[4]  taken      a sorted set of ids by when they are to be given to another worker
-- KEYS[5]  dead       a sorted set of ids by when they were given up
-- KEYS[6]  order      the last number given to a job
-- KEYS[7]  hand       what became of the receipt
-- ARGV[1]  id
-- ARGV[2]  receipt
-- ARGV[3]  how long KEYS[6] is kept once no job is left, in milliseconds
-- Reply:   1 if the job is done, now or by an earlier call whose reply was lost; 0 if another worker has it now
--
-- Late is not too late: a job whose time had run out, or that was failed, is done if nobody has taken it since.
local receipt = redis.call('HGET', KEYS[1], 'r' .. ARGV[1])
if receipt ~= ARGV[2] then
  return redis.call('HEXISTS', KEYS[1], 'p' .. ARGV[1]) == 0 and 1 or 0
end
for state = 2, 5 do redis.call('ZREM', KEYS[state], ARGV[1]) end
redis.call('DEL', KEYS[7])
redis.call('HDEL', KEYS[1], 'p' .. ARGV[1], 's' .. ARGV[1], 'a' .. ARGV[1], 'r' .. ARGV[1], 'e' .. ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('PEXPIRE', KEYS[6], ARGV[3]) end
return 1
