-- Reserves the place of a session that is about to be made in another slot. KEYS: the owner's index,
-- its reservations for sessions that are not made yet. ARGV: id, absolute time in milliseconds, the owner's cap (empty: none), for
-- how many milliseconds a reservation is late; then ids that the index holds in vain.
local OWNED, LATEST = KEYS[1], KEYS[2]
local ID, ABSOLUTE, CAP, LATE = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local time = redis.call('TIME')
local NOW = time[1] * 1000 + math.floor(time[2] / 1000)

for i = 5, #ARGV do
  redis.call('ZREM', OWNED, ARGV[i])
end
redis.call('ZREMRANGEBYSCORE', OWNED, '-inf', NOW)
redis.call('ZREMRANGEBYSCORE', LATEST, '-inf', NOW)
local known = redis.call('ZSCORE', OWNED, ID) and 1 or 0
if CAP and redis.call('ZCARD', OWNED) - known >= CAP then
  -- Those need not exist yet.
  local members = {}
  for _, member in ipairs(redis.call('ZRANGE', OWNED, 0, -1)) do
    if not redis.call('ZSCORE', LATEST, member) then
      members[#members + 1] = member
    end
  end
  return {'full', known, members}
end
local ends = NOW + ABSOLUTE
-- One that lives and is only asked for again keeps its place for as long as it may live.
redis.call('ZADD', OWNED, 'GT', ends, ID)
if redis.call('PEXPIRETIME', OWNED) < ends then
  redis.call('PEXPIREAT', OWNED, ends)
end
redis.call('ZADD', LATEST, NOW + LATE, ID)
redis.call('PEXPIRE', LATEST, LATE)
return {'reserved', 1 - known}
