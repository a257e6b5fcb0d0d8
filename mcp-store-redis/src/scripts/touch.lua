-- Starts the idle time of sessions again. KEYS: the sessions. Answers their versions.
local time = redis.call('TIME')
local NOW = time[1] * 1000 + math.floor(time[2] / 1000)

local versions = {}
for i, key in ipairs(KEYS) do
  local stored = redis.call('HMGET', key, 'version', 'idle', 'ends')
  versions[i] = stored[1]
  if stored[1] then
    redis.call('PEXPIREAT', key, math.min(NOW + tonumber(stored[2]), tonumber(stored[3])))
  end
end
return versions
