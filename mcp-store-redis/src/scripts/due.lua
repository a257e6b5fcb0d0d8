-- The ids of sessions that may have ended. KEYS: the index by due time. ARGV: how many at most.
local time = redis.call('TIME')
local NOW = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZRANGE', KEYS[1], '-inf', NOW, 'BYSCORE', 'LIMIT', 0, ARGV[1])
