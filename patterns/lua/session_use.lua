-- Read a session, or write it, or give it a new id; each lets it live on. One that was destroyed stays so.
-- KEYS[1] the session   KEYS[2] the sessions of its user   KEYS[3] the session under its new id, if it gets one
-- ARGV[1] its name in KEYS[2]   ARGV[2] ms that it lives unused   ARGV[3] what to do: load, save, rotate
-- ARGV[4] its new data (save), its new name (rotate)
-- Reply: its data, or false if there is no such session
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('GET', KEYS[1])
if ARGV[3] == 'rotate' and redis.call('ZSCORE', KEYS[2], ARGV[4]) then
  -- The new name is random: it is there because the reply was lost, and the client asks again.
  local moved = redis.call('GET', KEYS[3])
  return moved and string.sub(moved, string.find(moved, '|', 1, true) + 1)
end
if not found or not redis.call('ZSCORE', KEYS[2], ARGV[1]) then
  return false
end
local bar = string.find(found, '|', 1, true)
local last, data = string.sub(found, 1, bar - 1), string.sub(found, bar + 1)
local left = tonumber(ARGV[2])
if last ~= '0' then
  left = math.min(left, last - now)
end
if left <= 0 then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
  return false
end
local name = ARGV[1]
if ARGV[3] == 'load' then
  redis.call('PEXPIRE', KEYS[1], left)
elseif ARGV[3] == 'save' then
  data = ARGV[4]
  redis.call('SET', KEYS[1], last .. '|' .. data, 'PX', left)
else
  name = ARGV[4]
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
  redis.call('SET', KEYS[3], found, 'PX', left)
end
redis.call('ZADD', KEYS[2], string.format('%.0f', now + left), name)
redis.call('PEXPIREAT', KEYS[2], redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2])
return data
