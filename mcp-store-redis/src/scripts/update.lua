-- Replaces a record. ARGV: id, expected version, record, owner; perhaps new idle and absolute times
-- in milliseconds.
local ID, VERSION, RECORD, OWNER = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local IDLE, ABSOLUTE = tonumber(ARGV[5]), tonumber(ARGV[6])

local stored = redis.call('HMGET', SESSION, 'version', 'owner', 'ends', 'absolute')
if not stored[1] then
  return {'none'}
end
if stored[2] ~= OWNER then
  return {'owner'}
end
if stored[1] ~= VERSION then
  return {'conflict'}
end
redis.call('HSET', SESSION, 'record', RECORD)
local version = redis.call('HINCRBY', SESSION, 'version', 1)
if IDLE then
  -- Counted from the creation, of which only the present end tells.
  local ends = stored[3] - stored[4] + ABSOLUTE
  redis.call('HSET', SESSION, 'idle', IDLE, 'absolute', ABSOLUTE, 'ends', ends)
  return {'done', version, live(ID, IDLE, ends)}
end
return {'done', version}
