-- Take the lease of a key, unless there is a value that is good enough (the second look), or somebody has the lease.
-- A lease is a lock for its first milliseconds (ARGV[2]) and a fence for all of them: once the lock is over another may
-- take it, but as long as nobody has, the fill of a slow loader still lands.
-- KEYS[1] the value   KEYS[2] the lease   KEYS[3] what wakes those who wait
-- ARGV[1] a token of 16 bytes   ARGV[2] ms of the lock   ARGV[3] ms that it stays a fence after that
-- ARGV[4] ms that have to be left for a value to be good enough
-- ARGV[5] SHA-1 in hex of what counts as no value, because the caller cannot read it; none if it is not given
-- Reply: {'value', value, ms left, -1 for unknown} | {'taken'} | {'busy', ms of the lock}
--        | {'writing'}: a writer is at work (write_begin), whoever loads cannot store what it loads
local found = redis.call('MGET', KEYS[1], KEYS[2])
local value, lease = found[1], found[2]
if value and (not ARGV[5] or redis.sha1hex(value) ~= ARGV[5]) then
  if ARGV[4] == '0' then
    return {'value', value, -1}
  end
  local left = redis.call('PTTL', KEYS[1])
  if left == -1 or left > tonumber(ARGV[4]) then
    return {'value', value, left}
  end
end
if lease == 'writing' then
  return {'writing'}
end
if lease and string.sub(lease, 1, 16) == ARGV[1] then
  return {'taken'}  -- the reply was lost, and the client asks again
end
if lease then
  local lock = redis.call('PTTL', KEYS[2]) - tonumber(ARGV[3])
  if lock > 0 then
    if #lease == 16 then
      redis.call('APPEND', KEYS[2], '+')  -- somebody waits: whoever ends the lease wakes them
    end
    return {'busy', lock}
  end
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2] + ARGV[3])
redis.call('DEL', KEYS[3])
return {'taken'}
