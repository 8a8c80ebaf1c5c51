-- Where a member of a leaderboard stands.
--
-- KEYS[1]  a sorted set of members by their score
-- ARGV[1]  member
-- Reply:   {score, rank from 1}, or nothing if it is not there
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score then return nil end
return {score, redis.call('ZCOUNT', KEYS[1], '(' .. score, '+inf') + 1}
