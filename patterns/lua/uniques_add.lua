-- Note visitors in a period, exactly or by HyperLogLog.
--
-- KEYS[1]  a set, or a HyperLogLog
-- ARGV[1]  "set" or "hyperloglog"
-- ARGV[2]  time to live in milliseconds, from the first visitor on; 0 for none
-- ARGV[3…] the visitors
-- Reply:   set: how many are new; hyperloglog: 1 if the estimate changed, else 0
local found = redis.call(ARGV[1] == 'set' and 'SADD' or 'PFADD', KEYS[1], unpack(ARGV, 3))
if ARGV[2] ~= '0' and redis.call('PTTL', KEYS[1]) == -1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return found
