-- One hit, or a look, at a bucket of tokens that is refilled evenly.
--
-- KEYS[1]  "level time": tokens times period, and the tick in which that was so; no key is a full bucket
-- ARGV[1]  limit         tokens that flow in during a period
-- ARGV[2]  period        in ticks
-- ARGV[3]  tick          length of a tick, in microseconds
-- ARGV[4]  cost          tokens to take
-- ARGV[5]  1 to hit, 0 to look
-- ARGV[6]  burst         tokens in a full bucket
-- Reply:   {admitted, remaining, retry after, reset after}; times in ticks, retry after -1 for never
--
-- In tokens times period a tick adds just limit: whole numbers below 2^53, so that how often somebody looks changes
-- nothing. A clock that was set back adds nothing until it is where it was.
local limit, period, tick, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local full = tonumber(ARGV[6]) * period
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / tick)

local level = full
local last_level, last = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+)$')
if last then
  last = tonumber(last)
  local since = math.max(0, now - last)
  level = math.min(full, tonumber(last_level) + since * limit)
  now = math.max(now, last)
end

if level < cost * period then
  local retry = cost * period > full and -1 or math.ceil((cost * period - level) / limit)
  return {0, math.floor(level / period), retry, math.ceil((full - level) / limit)}
end
local until_full = math.ceil((full - level) / limit)
if ARGV[5] == '1' then
  level = level - cost * period
  until_full = math.ceil((full - level) / limit)
  redis.call('SET', KEYS[1], string.format('%.0f %.0f', level, now), 'PXAT', math.ceil((now + until_full) * tick / 1000))
end
return {1, math.floor(level / period), 0, until_full}
