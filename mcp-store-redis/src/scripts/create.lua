-- Stores a session under a free id. KEYS: the session; its index by id and by due time; with an
-- owner also the owner's index. ARGV: id, record, owner, idle and absolute time in milliseconds,
-- the owner's cap (empty: none); then ids that the owner's index holds in vain.
local SESSION, IDS, DUE, OWNED = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ID, IDLE, ABSOLUTE, CAP = ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local time = redis.call('TIME')
local NOW = time[1] * 1000 + math.floor(time[2] / 1000)

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
local due = math.min(NOW + IDLE, ends)
redis.call('HSET', SESSION, 'record', ARGV[2], 'version', 1, 'created', NOW, 'owner', ARGV[3],
  'idle', ARGV[4], 'absolute', ARGV[5], 'ends', ends)
redis.call('PEXPIREAT', SESSION, due)

local function index(key, score)
  redis.call('ZADD', key, score, ID)
  if redis.call('PEXPIRETIME', key) < ends then
    redis.call('PEXPIREAT', key, ends)
  end
end

index(IDS, 0)
index(DUE, due)
if OWNED then
  index(OWNED, ends)
end
return {'created'}
