-- One hit, or a look, by the generic cell rate algorithm: all it keeps is when the next hit is due.
--
-- KEYS[1]  "tick fraction": the theoretical arrival time is tick + fraction / limit; no key is a time gone by
-- ARGV[1]  limit         hits in a period: one is due every period / limit
-- ARGV[2]  period        in ticks
-- ARGV[3]  tick          length of a tick, in microseconds
-- ARGV[4]  cost
-- ARGV[5]  1 to hit, 0 to look
-- ARGV[6]  burst         hits that may come at once
-- Reply:   {admitted, remaining, retry after, reset after}; times in ticks, retry after -1 for never
--
-- debt is how far that time lies ahead, in ticks times limit: a hit adds period, a tick pays limit off. Whole numbers
-- below 2^53, so nothing is rounded. A clock that was set back makes the debt larger, never smaller.
local limit, period, tick, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local most = tonumber(ARGV[6]) * period
local time = redis.call('TIME')
local now = math.floor((time[1] * 1000000 + time[2]) / tick)

local debt = 0
local due, fraction = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+)$')
if due then debt = math.max(0, (tonumber(due) - now) * limit + tonumber(fraction)) end

local function reply(admitted, retry)
  return {admitted, math.max(0, math.floor((most - debt) / period)), retry, math.ceil(debt / limit)}
end

if debt + cost * period > most then
  return reply(0, cost * period > most and -1 or math.ceil((debt + cost * period - most) / limit))
end
if ARGV[5] == '1' then
  debt = debt + cost * period
  local whole = math.floor(debt / limit)
  local value = string.format('%.0f %.0f', now + whole, debt - whole * limit)
  redis.call('SET', KEYS[1], value, 'PXAT', math.ceil((now + math.ceil(debt / limit)) * tick / 1000))
end
return reply(1, 0)
