-- Link a thing with others, or undo that, on both sides at once.
--
-- KEYS[1]  a set of what the thing is linked to
-- KEYS[2…] for each of the others, a set of what is linked to it
-- ARGV[1]  "SADD" or "SREM"
-- ARGV[2]  the thing
-- ARGV[3…] the others, in the order of KEYS[2…]
-- Reply:   how many links are new, or gone
local changed = 0
for place = 2, #KEYS do
  changed = changed + redis.call(ARGV[1], KEYS[1], ARGV[place + 1])
  redis.call(ARGV[1], KEYS[place], ARGV[2])
end
return changed
