-- The next writes for the one worker at work: those it (or one that crashed) was given and has not ended, else new ones.
-- KEYS[1] the worker's lock   KEYS[2] the stream of writes
-- ARGV[1] the worker's token   ARGV[2] ms of the lock   ARGV[3] the consumer group   ARGV[4] how many writes at most
-- Reply: {'busy', ms of another worker's lock} | {'writes', {{id, {field, value, …}}, …}, how often they were given out}
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return {'busy', redis.call('PTTL', KEYS[1])}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])

-- All workers are one consumer: whoever follows one that crashed finds what it left.
local function read(from)
  return redis.pcall('XREADGROUP', 'GROUP', ARGV[3], 'worker', 'COUNT', ARGV[4], 'STREAMS', KEYS[2], from)
end

local found = read('0')
if found and found.err then
  redis.call('XGROUP', 'CREATE', KEYS[2], ARGV[3], '0', 'MKSTREAM')
  found = read('0')
end
if found and #found > 0 and #found[1][2] > 0 then
  local most = 1
  for _, entry in ipairs(redis.call('XPENDING', KEYS[2], ARGV[3], '-', '+', ARGV[4], 'worker')) do
    most = math.max(most, entry[4])
  end
  return {'writes', found[1][2], most}
end
found = read('>')
return {'writes', found and found[1][2] or {}, 1}
