-- The jobs that were given up, the latest first.
--
-- KEYS[1]  jobs       a hash: p<id> payload, a<id> attempts, e<id> last error
-- KEYS[2]  dead       a sorted set of ids by when they were given up, in milliseconds of the server's clock
-- ARGV[1]  how many
-- Reply:   a list of {id, payload, attempts, error, when}
local reply = {}
local dead = redis.call('ZREVRANGE', KEYS[2], 0, ARGV[1] - 1, 'WITHSCORES')
for at = 1, #dead, 2 do
  local id = dead[at]
  local job = redis.call('HMGET', KEYS[1], 'p' .. id, 'a' .. id, 'e' .. id)
  reply[#reply + 1] = {id, job[1], job[2], job[3], dead[at + 1]}
end
return reply
