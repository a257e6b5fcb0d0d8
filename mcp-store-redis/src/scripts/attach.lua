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
local generation, is_first = attach(INSTANCE, CONNECTION)
used(head)
local acknowledged = redis.call('HMGET', HEAD, 'acknowledged_epoch', 'acknowledged_seq')
return {generation, is_first, acknowledged[1], acknowledged[2], shown(head)}
