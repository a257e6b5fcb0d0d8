-- When each session ends if it is not used any more, in milliseconds since the epoch; false when
-- it has ended. KEYS: the sessions.
local ends = {}
for i, key in ipairs(KEYS) do
  ends[i] = redis.call('HEXISTS', key, 'version') == 1 and redis.call('PEXPIRETIME', key)
end
return ends
