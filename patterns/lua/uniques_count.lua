-- How many different visitors there were in all of some periods. The visitors stay on the server.
--
-- KEYS[1]  a set; so is every further one
-- Reply:   the number of members of their union
if #KEYS == 1 then return redis.call('SCARD', KEYS[1]) end
return #redis.call('SUNION', unpack(KEYS))
