-- Stores a session under a free id. ARGV: id, record, owner, idle and absolute time in milliseconds,
-- the owner's cap (empty: none); then ids that the owner's index holds in vain.
local ID, IDLE, ABSOLUTE, CAP = ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

if redis.call('EXISTS', SESSION) == 1 then
  return {'exists'}
end
if OWNED then
  for i = 7, #ARGV do
    redis.call('ZREM', OWNED, ARGV[i])
  end
  redis.call('ZREMRANGEBYSCORE', OWNED, '-inf', NOW)
  if CAP and redis.call('ZCARD', OWNED) >= CAP then
    return {'full', redis.call('ZRANGE', OWNED, 0, -1)}
  end
end
local ends = NOW + ABSOLUTE
redis.call('HSET', SESSION, 'record', ARGV[2], 'version', 1, 'created', NOW, 'owner', ARGV[3],
  'idle', IDLE, 'absolute', ABSOLUTE, 'ends', ends)
return {'created', live(ID, IDLE, ends)}
