-- One hit, or a look, at a log of all that was admitted in the last period.
--
-- KEYS[1]  a sorted set: a member "before-after" for each hit, the sum of all costs without and with it; its score the
--          tick in which it was admitted
-- ARGV[1]  limit         what any window as long as the period admits
-- ARGV[2]  period        length of the window, in ticks
-- ARGV[3]  tick          length of a tick, in microseconds
-- ARGV[4]  cost
-- ARGV[5]  1 to hit, 0 to look
-- Reply:   {admitted, remaining, retry after, reset after}; times in ticks, retry after -1 for never
--
-- What was admitted at t counts until just before t + period. A clock that was set back stands at the last entry.
local limit, period, tick, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / tick)

local function entry(rank)
  local found = redis.call('ZRANGE', KEYS[1], rank, rank, 'WITHSCORES')
  if not found[1] then return nil, 0, 0 end
  local before, after = string.match(found[1], '^(%d+)-(%d+)$')
  return tonumber(found[2]), tonumber(before), tonumber(after)
end

local newest, _, sum = entry(-1)
if newest then now = math.max(now, newest) end
local gone = redis.call('ZCOUNT', KEYS[1], '-inf', now - period)
local oldest, sum_before = entry(gone)
local used = oldest and sum - sum_before or 0
local reset = oldest and newest + period - now or 0

local function retry_after() -- when the first entry is gone without which there is room; the sums rise, so halve
  if cost > limit then return -1 end
  local first, last = gone, redis.call('ZCARD', KEYS[1]) - 1
  while first < last do
    local middle = math.floor((first + last) / 2)
    local _, _, after = entry(middle)
    if sum - after + cost <= limit then last = middle else first = middle + 1 end
  end
  return entry(first) + period - now
end

if used + cost > limit then return {0, limit - used, retry_after(), reset} end
if ARGV[5] == '0' then return {1, limit - used, 0, reset} end
if gone > 0 then redis.call('ZREMRANGEBYRANK', KEYS[1], 0, gone - 1) end
-- Padded, for members of one tick stand in the order of their bytes.
redis.call('ZADD', KEYS[1], now, string.format('%016.0f-%016.0f', sum, sum + cost))
redis.call('PEXPIREAT', KEYS[1], math.ceil((now + period) * tick / 1000))
return {1, limit - used - cost, 0, period}
