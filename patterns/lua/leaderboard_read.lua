-- A part of a leaderboard, best first: from a place on, or around a member.
--
-- KEYS[1]  a sorted set of members by their score
-- ARGV[1]  the first place, from 0; not used if there is a member
-- ARGV[2]  how many, or how many above and below the member
-- ARGV[3]  member, if it is to be around one
-- Reply:   {first place, rank of the first from 1, list of members and scores}; an empty list if there is nothing
local first, last = tonumber(ARGV[1]), ARGV[1] + ARGV[2] - 1
if ARGV[3] then
  local place = redis.call('ZREVRANK', KEYS[1], ARGV[3])
  if not place then return {0, 0, {}} end
  first, last = math.max(0, place - ARGV[2]), place + ARGV[2]
end
local found = redis.call('ZREVRANGE', KEYS[1], first, last, 'WITHSCORES')
if not found[2] then return {first, 0, {}} end
return {first, redis.call('ZCOUNT', KEYS[1], '(' .. found[2], '+inf') + 1, found}
