-- Writes have come to an end: they are in the database, or are given up and become dead letters.
-- KEYS[1] the stream of writes   KEYS[2] the stream of dead letters
-- ARGV[1] the consumer group   ARGV[2] why they are given up, empty if they are written   ARGV[3…] their ids
-- Reply: how many of them had not come to their end before
local ended = 0
for place = 3, #ARGV do
  local id = ARGV[place]
  if ARGV[2] ~= '' then
    local found = redis.call('XRANGE', KEYS[1], id, id)
    if found[1] then
      local fields = found[1][2]
      table.insert(fields, 'reason')
      table.insert(fields, ARGV[2])
      redis.call('XADD', KEYS[2], '*', unpack(fields))
    end
  end
  redis.call('XACK', KEYS[1], ARGV[1], id)
  ended = ended + redis.call('XDEL', KEYS[1], id)
end
return ended
