-- Replaces a record. KEYS: the session. ARGV: expected version, record, owner; perhaps new idle
-- and absolute times in milliseconds.
local stored = redis.call('HMGET', KEYS[1], 'version', 'owner', 'ends', 'absolute')
if not stored[1] then
  return {'none'}
end
if stored[2] ~= ARGV[3] then
  return {'owner'}
end
if stored[1] ~= ARGV[1] then
  return {'conflict'}
end
redis.call('HSET', KEYS[1], 'record', ARGV[2])
local version = redis.call('HINCRBY', KEYS[1], 'version', 1)
if ARGV[4] then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  -- Counted from the creation, of which only the present end tells.
  local ends = tonumber(stored[3]) - tonumber(stored[4]) + tonumber(ARGV[5])
  redis.call('HSET', KEYS[1], 'idle', ARGV[4], 'absolute', ARGV[5], 'ends', ends)
  redis.call('PEXPIREAT', KEYS[1], math.min(now + tonumber(ARGV[4]), ends))
end
return {'done', version}
