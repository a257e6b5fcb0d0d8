-- How much stands under a prefix: each key, and each member of an index but the first, which is counted
-- with its key. ARGV: the pattern of its keys.
local cursor, keys, held = '0', {}, 0
repeat
  local page = redis.call('SCAN', cursor, 'MATCH', ARGV[1], 'COUNT', 1000)
  cursor = page[1]
  for _, key in ipairs(page[2]) do
    -- A scan may show a key twice.
    keys[key] = true
  end
until cursor == '0'
for key in pairs(keys) do
  local is_index = redis.call('TYPE', key).ok == 'zset'
  held = held + (is_index and redis.call('ZCARD', key) or 1)
end
return held
