-- The generation of a namespace, and a value in it; a namespace without one begins with the one that is offered.
-- KEYS[1] the generation   KEYS[2] the value
-- ARGV[1] a new generation, never used before   ARGV[2] its time to live in ms
-- Reply: {generation, value or false}
local generation = redis.call('GET', KEYS[1])
if not generation then
  generation = ARGV[1]
  redis.call('SET', KEYS[1], generation, 'PX', ARGV[2])
else
  redis.call('PEXPIRE', KEYS[1], ARGV[2], 'GT')
end
return {generation, redis.call('GET', KEYS[2])}
