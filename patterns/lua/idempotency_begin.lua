-- Begin what is to be done once, unless it has been done, or is being done.
-- KEYS[1] the record   KEYS[2] what wakes those who wait
-- ARGV[1] a token of 16 bytes   ARGV[2] ms after which who began counts as crashed   ARGV[3] a fingerprint of the request
-- Reply: {'begun'} | {'done', result} | {'unstorable', why}: it was done, but there is no result
--        | {'busy', ms that are left} | {'other'}: the key stands for another request
local found = redis.call('HMGET', KEYS[1], 'fingerprint', 'token', 'result', 'unstorable')
if found[1] then
  if found[1] ~= ARGV[3] then
    return {'other'}
  end
  if found[3] then
    return {'done', found[3]}
  end
  if found[4] then
    return {'unstorable', found[4]}
  end
  if found[2] ~= ARGV[1] then
    redis.call('HSET', KEYS[1], 'waited', '1')
    return {'busy', redis.call('PTTL', KEYS[1])}
  end
end
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[3], 'token', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('DEL', KEYS[2])
return {'begun'}
