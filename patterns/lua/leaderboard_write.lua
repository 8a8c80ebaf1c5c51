-- Give a member of a leaderboard a score.
--
-- KEYS[1]  a sorted set of members by their score
-- ARGV[1]  member
-- ARGV[2]  score
-- ARGV[3]  "set" it, keep the "best" of it and the one before, or "add" it to that
-- ARGV[4]  time to live in milliseconds, 0 for none
-- ARGV[5]  how many members are kept, 0 for all
-- Reply:   {score, rank from 1}, or nothing if the member is not among those that are kept
if ARGV[3] == 'add' then
  redis.call('ZINCRBY', KEYS[1], ARGV[2], ARGV[1])
elseif ARGV[3] == 'best' then
  redis.call('ZADD', KEYS[1], 'GT', ARGV[2], ARGV[1])
else
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
end
if ARGV[5] ~= '0' then redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - ARGV[5]) end
if ARGV[4] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score then return nil end
return {score, redis.call('ZCOUNT', KEYS[1], '(' .. score, '+inf') + 1}
