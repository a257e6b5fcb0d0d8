-- Makes a connection the one reader. ARGV[4..]: its instance, its number, and '1' to begin after
-- what was acknowledged and to make a missing log.
local INSTANCE, CONNECTION, MAKES = ARGV[4], ARGV[5], ARGV[6] == '1'

local head = find()
if not head then
  if not MAKES or is_purged() then
    return false
  end
  head = begin({born = NOW})
  save(head)
end
redis.call('HSET', HEAD, 'reader', INSTANCE, 'connection', CONNECTION)
-- At least the microseconds since the epoch, so that generations grow also when the log was lost.
local last = redis.call('HGET', HEAD, 'generation')
local generation = int(math.max((tonumber(last) or 0) + 1, time[1] * 1000000 + time[2]))
redis.call('HSET', HEAD, 'generation', generation)
used(head)
local acknowledged = redis.call('HMGET', HEAD, 'acknowledged_epoch', 'acknowledged_seq')
return {generation, last and 0 or 1, acknowledged[1], acknowledged[2], shown(head)}
