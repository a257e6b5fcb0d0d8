-- Removes logs of a barred session; says how many there were.
-- KEYS: its registry, then head, entries and idempotency keys of each log. ARGV: their names.
local count = 0
for i, name in ipairs(ARGV) do
  local head = KEYS[3 * i - 1]
  count = count + redis.call('EXISTS', head)
  redis.call('UNLINK', head, KEYS[3 * i], KEYS[3 * i + 1])
  redis.call('ZREM', KEYS[1], name)
end
return count
