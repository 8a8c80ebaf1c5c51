-- One hit, or a look, at a fixed window that is aligned to the server's clock.
--
-- KEYS[1]  "window used": the window's number, and what was admitted in it
-- ARGV[1]  limit         what a window admits
-- ARGV[2]  period        length of a window, in ticks
-- ARGV[3]  tick          length of a tick, in microseconds
-- ARGV[4]  cost
-- ARGV[5]  1 to hit, 0 to look
-- Reply:   {admitted, remaining, retry after, reset after}; times in ticks, retry after -1 for never
--
-- The number of the window is in the value, so expiry only clears up. A clock that was set back stays in the last window.
local limit, period, tick, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / tick)
local window, used = math.floor(now / period), 0

local last, last_used = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+)$')
if last and tonumber(last) >= window then
  window, used = tonumber(last), tonumber(last_used)
  now = math.max(now, window * period)
end
local left = (window + 1) * period - now

if used + cost > limit then
  return {0, limit - used, cost > limit and -1 or left, used > 0 and left or 0}
end
if ARGV[5] == '1' then
  used = used + cost
  redis.call('SET', KEYS[1], string.format('%.0f %.0f', window, used), 'PXAT', math.ceil((now + left) * tick / 1000))
end
return {1, limit - used, 0, used > 0 and left or 0}
