-- When each session ends if it is not used any more, in milliseconds since the epoch; false when
-- it has ended. KEYS: the sessions. ARGV: perhaps an owner, whose sessions alone count.
local ends = {}
for i, key in ipairs(KEYS) do
  local stored = redis.call('HMGET', key, 'version', 'owner')
  local counts = stored[1] and (not ARGV[1] or stored[2] == ARGV[1])
  ends[i] = counts and redis.call('PEXPIRETIME', key)
end
return ends
