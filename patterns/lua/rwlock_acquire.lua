-- Take a read-write lock for reading or for writing, or once more if its holder asks again because the reply was lost.
--
-- KEYS[1]  holders   a sorted set of tokens by when their leases end, in milliseconds of the server's clock
-- KEYS[2]  writers   those who wait to write, by when they count as gone
-- KEYS[3]  readers   those who wait to read, by when they count as gone
-- KEYS[4]  promised  the readers who waited when the last writer left: they go before the next one
-- KEYS[5]  a stream that wakes all readers who wait, by a new entry
-- KEYS[6]  a list that wakes one writer who waits
-- KEYS[7]  "fence" of the last writer's lease
-- ARGV[1]  token, which begins with r or w
-- ARGV[2]  length of the lease, in milliseconds
-- ARGV[3]  1 if it waits for it, else 0
-- ARGV[4]  how long KEYS[7] is kept, in milliseconds
-- ARGV[5]  how long one counts as waiting who does not look again, in milliseconds; so long KEYS[5] is kept
-- Reply:   {1, fence, length of the lease, ''}, the fence 0 for a reader;
--          or {0, 0, milliseconds until it may be free, the last entry of KEYS[5]}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local token, length, patience = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[5])

local function writer_holds()
  local holder = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
  return holder ~= nil and string.sub(holder, 1, 1) == 'w'
end

local function there(key)
  return redis.call('EXISTS', key) == 1
end

local function last_end(key)
  return tonumber(redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2] or now)
end

local writer_left = writer_holds()
for place = 1, 4 do redis.call('ZREMRANGEBYSCORE', KEYS[place], '-inf', now) end
if writer_left and not there(KEYS[1]) and there(KEYS[3]) then -- its time was over before it released
  redis.call('RENAME', KEYS[3], KEYS[4])
  redis.call('XADD', KEYS[5], 'MAXLEN', 1, '*', 'free', 'read')
  redis.call('PEXPIRE', KEYS[5], ARGV[5])
end

local writes = string.sub(token, 1, 1) == 'w'
local free_at = now
if not redis.call('ZSCORE', KEYS[1], token) then
  if writes then
    free_at = math.max(last_end(KEYS[1]), last_end(KEYS[4]))
  elseif writer_holds() then
    free_at = last_end(KEYS[1])
  elseif not redis.call('ZSCORE', KEYS[4], token) then
    free_at = last_end(KEYS[2])
  end
end
if free_at > now then
  if ARGV[3] == '1' then
    local waiting = writes and KEYS[2] or KEYS[3]
    redis.call('ZADD', waiting, now + patience, token)
    redis.call('PEXPIRE', waiting, math.max(patience, redis.call('PTTL', waiting)))
  end
  local news = redis.call('XREVRANGE', KEYS[5], '+', '-', 'COUNT', 1)[1]
  return {0, 0, free_at - now, news and news[1] or '0'}
end

for place = 2, 4 do redis.call('ZREM', KEYS[place], token) end
redis.call('ZADD', KEYS[1], now + length, token)
-- It outlives the lease: whoever finds that a writer's is over has to know that it was one, as long as somebody waits.
redis.call('PEXPIRE', KEYS[1], math.max(length + patience, redis.call('PTTL', KEYS[1])))
if not writes then return {1, 0, length, ''} end

-- A fence is the number after the last one, but at least the server's microseconds: so they rise even if KEYS[7] was
-- evicted, or lost in a failover.
local fence = math.max(tonumber(redis.call('GET', KEYS[7]) or 0) + 1, time[1] * 1000000 + time[2])
redis.call('SET', KEYS[7], string.format('%.0f', fence), 'PX', ARGV[4])
redis.call('DEL', KEYS[6])
return {1, fence, length, ''}
