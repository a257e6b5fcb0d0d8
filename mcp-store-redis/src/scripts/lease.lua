-- Put before every script about leases. KEYS: the leases by their end, what is known of each, the
-- last fence. A lease has three fields: `h` (holder), `n` (fence) and `f` (facts) before its name.
local DUE, HELD, FENCE = KEYS[1], KEYS[2], KEYS[3]

local time = redis.call('TIME')
local NOW = time[1] * 1000 + math.floor(time[2] / 1000)

local function is_live(name)
  local ends = redis.call('ZSCORE', DUE, name)
  return ends and tonumber(ends) > NOW
end

local function is_held_under(name, fence)
  return is_live(name) and redis.call('HGET', HELD, 'n' .. name) == fence
end

local function forget(name)
  redis.call('ZREM', DUE, name)
  redis.call('HDEL', HELD, 'h' .. name, 'n' .. name, 'f' .. name)
end

local function hold_until(name, ends)
  redis.call('ZADD', DUE, ends, name)
  if redis.call('PEXPIRETIME', DUE) < ends then
    redis.call('PEXPIREAT', DUE, ends)
  end
  if redis.call('PEXPIRETIME', HELD) < ends then
    redis.call('PEXPIREAT', HELD, ends)
  end
end
