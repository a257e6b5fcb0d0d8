-- Makes everything under a prefix older. ARGV: the pattern of its keys, and by how many milliseconds.
-- Every deadline stands in one of four places: the expiry of a key, the field `ends` of a session,
-- the field `born` of a log's head, and the scores of a sorted set, where 0 is none.
local PATTERN, BY = ARGV[1], tonumber(ARGV[2])

local function int(number)
  return string.format('%.0f', number)
end

local function move(key)
  local kind = redis.call('TYPE', key).ok
  if kind == 'hash' then
    for _, field in ipairs({'ends', 'born'}) do
      if redis.call('HEXISTS', key, field) == 1 then
        redis.call('HINCRBY', key, field, int(0 - BY))
      end
    end
  elseif kind == 'zset' then
    local members = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    for i = 1, #members, 2 do
      if tonumber(members[i + 1]) ~= 0 then
        redis.call('ZINCRBY', key, int(0 - BY), members[i])
      end
    end
  end
  local expires = redis.call('PEXPIRETIME', key)
  if expires > 0 then
    redis.call('PEXPIREAT', key, int(math.max(expires - BY, 1)))
  end
end

local cursor = '0'
local keys = {}
repeat
  local page = redis.call('SCAN', cursor, 'MATCH', PATTERN, 'COUNT', 1000)
  cursor = page[1]
  for _, key in ipairs(page[2]) do
    -- A scan may show a key twice.
    keys[key] = true
  end
until cursor == '0'
for key in pairs(keys) do
  move(key)
end
