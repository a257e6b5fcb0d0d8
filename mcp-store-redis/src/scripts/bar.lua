-- Bars a session from having logs; answers the names of those it has.
-- KEYS: its mark, its registry. ARGV: for how many milliseconds.
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return redis.call('ZRANGE', KEYS[2], 0, -1)
