-- Puts a tombstone in the place of a session; answers its owner. KEYS: the session. ARGV: how many
-- milliseconds the tombstone stands.
local owner = redis.call('HMGET', KEYS[1], 'version', 'owner')
if not owner[1] then
  return false
end
redis.call('UNLINK', KEYS[1])
redis.call('HSET', KEYS[1], 'deleted', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return owner[2]
