-- Note that keys carry a tag, each until a time of its own; a note is never shortened, those that are over are removed.
-- KEYS[1] the tag
-- ARGV[1] ms that the keys can live, 0 for ever   ARGV[2…] the keys' names
-- Reply: how many keys are noted
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local forever = ARGV[1] == '0'
local over = forever and '+inf' or now + tonumber(ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%.0f', now))
for place = 2, #ARGV do
  redis.call('ZADD', KEYS[1], 'GT', forever and '+inf' or string.format('%.0f', over), ARGV[place])
end
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if last[2] == 'inf' then
  redis.call('PERSIST', KEYS[1])
else
  redis.call('PEXPIREAT', KEYS[1], last[2])
end
return redis.call('ZCARD', KEYS[1])
