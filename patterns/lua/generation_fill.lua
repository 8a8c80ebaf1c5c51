-- Write a value that was made for a generation, unless another one has begun since.
-- KEYS[1] the generation   KEYS[2] the value
-- ARGV[1] the generation it was made for   ARGV[2] generation and value   ARGV[3] its time to live in ms
-- Reply: 1 if it was written, else 0
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1
