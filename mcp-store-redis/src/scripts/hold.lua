-- Takes a free name. ARGV: name, holder, milliseconds, facts, how many ended leases to forget.
local NAME, TTL = ARGV[1], tonumber(ARGV[3])
local KEPT = 30 * 24 * 60 * 60 * 1000

for _, name in ipairs(redis.call('ZRANGE', DUE, '-inf', NOW, 'BYSCORE', 'LIMIT', 0, ARGV[5])) do
  forget(name)
end
if is_live(NAME) then
  return false
end
-- At least the microseconds since the epoch, so that fences grow also when Redis lost the last one.
local last = tonumber(redis.call('GET', FENCE) or 0)
local fence = string.format('%.0f', math.max(last + 1, time[1] * 1000000 + time[2]))
redis.call('SET', FENCE, fence, 'PX', KEPT)
redis.call('HSET', HELD, 'h' .. NAME, ARGV[2], 'n' .. NAME, fence, 'f' .. NAME, ARGV[4])
hold_until(NAME, NOW + TTL)
return fence
