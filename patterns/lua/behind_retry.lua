-- Accept dead letters again, as writes of now, in the order in which they were given up.
-- KEYS[1] the stream of writes   KEYS[2] the stream of dead letters
-- ARGV[1] the last of them, as it was at the beginning   ARGV[2] how many at most
-- Reply: how many there were
local found = redis.call('XRANGE', KEYS[2], '-', ARGV[1], 'COUNT', ARGV[2])
for _, letter in ipairs(found) do
  local fields = {}
  for place = 1, #letter[2] - 2 do fields[place] = letter[2][place] end -- without the last field, the reason
  redis.call('XADD', KEYS[1], '*', unpack(fields))
  redis.call('XDEL', KEYS[2], letter[1])
end
return #found
