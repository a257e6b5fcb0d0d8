-- Enters a session in indexes of one slot. KEYS: the indexes. ARGV: id, the session's last possible
-- end, and its score in each; it leaves those for which that is empty.
local ID, ENDS = ARGV[1], tonumber(ARGV[2])
for i, key in ipairs(KEYS) do
  if ARGV[i + 2] == '' then
    redis.call('ZREM', key, ID)
  else
    redis.call('ZADD', key, ARGV[i + 2], ID)
    if redis.call('PEXPIRETIME', key) < ENDS then
      redis.call('PEXPIREAT', key, ENDS)
    end
  end
end
