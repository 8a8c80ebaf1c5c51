-- A cached value, and how long it stays.
-- KEYS[1] the value
-- Reply: {value or false, ms that are left, -1 for ever}
local value = redis.call('GET', KEYS[1])
if not value then
  return {false, 0}
end
return {value, redis.call('PTTL', KEYS[1])}
