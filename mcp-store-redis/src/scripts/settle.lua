-- Corrects the index of sessions; says how many it lost. KEYS: the index by id and by due time;
-- perhaps an owner's. ARGV: pairs of an id and when to look at it again, which is empty for a session
-- that has ended.
local lost = 0
for i = 1, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    lost = lost + redis.call('ZREM', KEYS[1], ARGV[i])
    redis.call('ZREM', KEYS[2], ARGV[i])
    if KEYS[3] then
      redis.call('ZREM', KEYS[3], ARGV[i])
    end
  else
    redis.call('ZADD', KEYS[2], 'XX', ARGV[i + 1], ARGV[i])
  end
end
return lost
