-- Take the next job, after all those have been put back whose time has come or whose worker was not heard of.
--
-- KEYS[1]  jobs       a hash: p<id> payload, s<id> place in the order, a<id> attempts, r<id> receipt, e<id> last error
-- KEYS[2]  ready      a sorted set of ids by their place
-- KEYS[3]  scheduled  a sorted set of ids by when they become ready, in milliseconds of the server's clock
-- KEYS[4]  taken      a sorted set of ids by when they are to be given to another worker
-- KEYS[5]  dead       a sorted set of ids by when they were given up
-- KEYS[6]  wake       a list that wakes one worker who waits
-- KEYS[7]  hand       what became of the receipt: "taken <id>", "failed", or "returned" by who did not wait for it
-- ARGV[1]  visibility timeout, in milliseconds
-- ARGV[2]  how many attempts a job has
-- ARGV[3]  how long KEYS[6] is kept, in milliseconds
-- ARGV[4]  receipt, of this call alone
-- ARGV[5]  how long KEYS[7] is kept, in milliseconds
-- Reply:   {1, id, payload, attempt}, the same if asked again after a lost reply; or {0, milliseconds until a job may become ready, -1 if none will}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local hand = redis.call('GET', KEYS[7])
if hand == 'returned' then return {0, -1} end
local held = hand and string.match(hand, '^taken (.*)$')
if held and redis.call('HGET', KEYS[1], 'r' .. held) == ARGV[4] and redis.call('ZSCORE', KEYS[4], held) then
  return {1, held, redis.call('HGET', KEYS[1], 'p' .. held), tonumber(redis.call('HGET', KEYS[1], 'a' .. held))}
end

local batch = 100 -- a bound on what one call has to do; the rest is for the next

local function due(key)
  return redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, batch)
end

local function make_ready(id)
  redis.call('ZADD', KEYS[2], redis.call('HGET', KEYS[1], 's' .. id), id)
end

for _, id in ipairs(due(KEYS[3])) do
  redis.call('ZREM', KEYS[3], id)
  make_ready(id)
end
for _, id in ipairs(due(KEYS[4])) do
  redis.call('ZREM', KEYS[4], id)
  if tonumber(redis.call('HGET', KEYS[1], 'a' .. id)) < tonumber(ARGV[2]) then
    make_ready(id)
  else
    redis.call('ZADD', KEYS[5], now, id)
    redis.call('HSET', KEYS[1], 'e' .. id, 'not heard of within the visibility timeout')
  end
end

local id = redis.call('ZPOPMIN', KEYS[2])[1]
if not id then
  redis.call('DEL', KEYS[6])
  local next_due = math.huge
  for _, key in ipairs({KEYS[3], KEYS[4]}) do
    local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
    if first[2] then next_due = math.min(next_due, tonumber(first[2])) end
  end
  return {0, next_due == math.huge and -1 or math.max(0, next_due - now)}
end

redis.call('SET', KEYS[7], 'taken ' .. id, 'PX', ARGV[5])
redis.call('HSET', KEYS[1], 'r' .. id, ARGV[4])
redis.call('ZADD', KEYS[4], now + ARGV[1], id)
local attempt = redis.call('HINCRBY', KEYS[1], 'a' .. id, 1)
if redis.call('EXISTS', KEYS[2]) == 1 and redis.call('LLEN', KEYS[6]) == 0 then -- the next worker for the next job
  redis.call('RPUSH', KEYS[6], 'job')
  redis.call('PEXPIRE', KEYS[6], ARGV[3])
end
return {1, id, redis.call('HGET', KEYS[1], 'p' .. id), attempt}
