-- One hit, or a look, at a sliding window that is estimated from two counters.
--
-- KEYS[1]  "window previous current": the window's number, what was admitted in the one before it, and in it
-- ARGV[1]  limit         what the estimate never exceeds
-- ARGV[2]  period        length of a window, in ticks
-- ARGV[3]  tick          length of a tick, in microseconds
-- ARGV[4]  cost
-- ARGV[5]  1 to hit, 0 to look
-- Reply:   {admitted, remaining, retry after, reset after}; times in ticks, retry after -1 for never
--
-- The estimate is previous * (period - elapsed) / period + current. It is reckoned in hits times ticks, whole numbers
-- below 2^53, so that nothing is rounded. A clock that was set back stays at the beginning of the last window.
local limit, period, tick, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / tick)
local window, previous, current = math.floor(now / period), 0, 0

local last, before, admitted = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+) (%d+)$')
if last then
  last, before, admitted = tonumber(last), tonumber(before), tonumber(admitted)
  if last >= window then
    window, previous, current = last, before, admitted
    now = math.max(now, window * period)
  elseif last == window - 1 then
    previous = admitted
  end
end
local elapsed = now - window * period

local function reset_after()
  if current > 0 then return 2 * period - elapsed end
  return previous > 0 and period - elapsed or 0
end

local function remaining()
  return math.floor(((limit - current) * period - previous * (period - elapsed)) / period)
end

local function retry_after()
  if cost > limit then return -1 end
  local room = limit - cost - current
  if room >= 0 then -- in this window, when enough of the previous one has slid out
    return period - math.floor(room * period / previous) - elapsed
  end
  local share = math.floor((limit - cost) * period / current) -- in the next one, of which this is the previous
  return period - elapsed + math.max(0, period - share)
end

if previous * (period - elapsed) > (limit - cost - current) * period then
  return {0, remaining(), retry_after(), reset_after()}
end
if ARGV[5] == '1' then
  current = current + cost
  local value = string.format('%.0f %.0f %.0f', window, previous, current)
  redis.call('SET', KEYS[1], value, 'PXAT', math.ceil((window + 2) * period * tick / 1000))
end
return {1, remaining(), 0, reset_after()}
