-- Put before scripts that give a session its time. KEYS: the session; unless it is in another slot,
-- the index by id and by due time; with an owner also the owner's index.
local SESSION, IDS, DUE, OWNED = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local time = redis.call('TIME')
local NOW = time[1] * 1000 + math.floor(time[2] / 1000)

local function index(key, id, score, ends)
  redis.call('ZADD', key, score, id)
  if redis.call('PEXPIRETIME', key) < ends then
    redis.call('PEXPIREAT', key, ends)
  end
end

-- Sets when the session ends, and enters it in the indexes, which live as long as it may. Answers
-- its last possible end, and when to look whether it has ended.
local function live(id, idle, ends)
  local due = math.min(NOW + idle, ends)
  redis.call('PEXPIREAT', SESSION, due)
  if IDS then
    index(IDS, id, 0, ends)
    index(DUE, id, due, ends)
  end
  if OWNED then
    index(OWNED, id, ends, ends)
  end
  return string.format('%.0f', ends), string.format('%.0f', due)
end
