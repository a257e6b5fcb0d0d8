-- Enters a session in indexes of one slot. KEYS: the indexes. ARGV: id, the session's last possible
-- end, and its score in each.
local ID, ENDS = ARGV[1], tonumber(ARGV[2])
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key, ARGV[i + 2], ID)
  if redis.call('PEXPIRETIME', key) < ENDS then
    redis.call('PEXPIREAT', key, ENDS)
  end
end
