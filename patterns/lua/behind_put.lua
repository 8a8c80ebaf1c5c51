-- Accept a write, once even if it is asked for again after a lost reply.
-- KEYS[1] the stream of writes   KEYS[2] the answer to this very call, if it came before
-- ARGV[1] the key that is written   ARGV[2] its value   ARGV[3] how long the answer is kept, in milliseconds
-- Reply: the id of the write
local answer = redis.call('GET', KEYS[2])
if answer then return answer end
answer = redis.call('XADD', KEYS[1], '*', 'key', ARGV[1], 'value', ARGV[2])
redis.call('SET', KEYS[2], answer, 'PX', ARGV[3])
return answer
