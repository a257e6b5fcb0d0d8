-- Put before every script about one log.
-- KEYS: head, entries, idempotency keys; for a log of a session also its registry and its mark of
-- being purged. ARGV: the log's name in the registry, an epoch in case one begins, and for how many
-- milliseconds an open log lives unasked (empty: for ever).
--
-- An entry is `t` (milliseconds since the head's `born`), `p` (payload) and perhaps `k` (its
-- idempotency key). Epochs, connections and positions of callers stay strings: Lua's numbers are
-- doubles. What counts up from one here fits a double exactly.

local HEAD, ENTRIES, GIVEN, REGISTRY, PURGED = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local NAME, CANDIDATE, PATIENCE = ARGV[1], ARGV[2], tonumber(ARGV[3])

local time = redis.call('TIME')
local NOW = time[1] * 1000 + math.floor(time[2] / 1000)

local NUMBERS = {'seq', 'floor', 'bytes', 'born', 'oldest', 'max_events', 'max_bytes', 'max_age'}

local function int(number)
  return string.format('%.0f', number)
end

local function save(head)
  local fields = {'epoch', head.epoch, 'sealed', head.sealed and '1' or ''}
  for _, name in ipairs(NUMBERS) do
    fields[#fields + 1] = name
    fields[#fields + 1] = head[name] and int(head[name]) or ''
  end
  redis.call('HSET', HEAD, unpack(fields))
end

-- How long the log lives from now on. Its entries never outlive its head.
local function live(ms)
  redis.call('PEXPIRE', HEAD, ms)
  redis.call('PEXPIRE', ENTRIES, ms)
  redis.call('PEXPIRE', GIVEN, ms)
  if REGISTRY then
    redis.call('ZADD', REGISTRY, NOW + ms, NAME)
    redis.call('ZREMRANGEBYSCORE', REGISTRY, '-inf', NOW)
    if redis.call('PTTL', REGISTRY) < ms then
      redis.call('PEXPIRE', REGISTRY, ms)
    end
  end
end

-- Starts the time of an open log again. It is set to half as long again, so that a log in use is
-- not written to each time.
local function live_on()
  if PATIENCE then
    live(math.floor(PATIENCE * 1.5))
  end
end

-- The same, when it is about to be less than promised.
local function used(head)
  if PATIENCE and not head.sealed and redis.call('PTTL', HEAD) < PATIENCE then
    live_on()
  end
end

-- Whether the oldest entry lies beyond the retention; `spare` entries stay whatever their size.
local function beyond(head, spare)
  local count = head.seq - head.floor
  if count <= 0 then
    return false
  end
  local too_many = head.max_events and count > head.max_events
  local too_big = head.max_bytes and head.bytes > head.max_bytes
  if count > spare and (too_many or too_big) then
    return true
  end
  return not head.sealed and head.max_age and head.born + head.oldest + head.max_age <= NOW
end

-- Forgets what lies beyond the retention; says whether there was anything.
local function trim(head, spare)
  if not beyond(head, spare) then
    return false
  end
  local stays
  repeat
    local over = head.seq - head.floor - (head.max_events or head.seq)
    local count = math.max(2, math.min(64, over + 1))
    local page = redis.call('XRANGE', ENTRIES, '-', '+', 'COUNT', count)
    for _, item in ipairs(page) do
      local entry = item[2]
      head.oldest = tonumber(entry[2])
      stays = not beyond(head, spare)
      if stays then
        break
      end
      head.floor = tonumber(item[1]:match('^%d+'))
      head.bytes = head.bytes - #entry[4]
      if entry[6] then
        redis.call('HDEL', GIVEN, entry[6])
      end
    end
    if #page == 0 then
      -- The entries were lost, not trimmed. Whoever still wants them finds a gap.
      head.floor = head.seq
    end
    redis.call('XTRIM', ENTRIES, 'MINID', int(head.floor + 1) .. '-0')
  until stays or head.floor >= head.seq
  if head.floor >= head.seq then
    head.oldest = nil
    head.bytes = 0
  end
  return true
end

-- The head as it is now, without what has become too old; nil when there is no log.
local function find()
  local values = redis.call('HMGET', HEAD, 'epoch', 'sealed', unpack(NUMBERS))
  if not values[1] then
    return nil
  end
  local head = {epoch = values[1], sealed = values[2] == '1'}
  for i, name in ipairs(NUMBERS) do
    head[name] = tonumber(values[i + 2])
  end
  if not head.sealed and trim(head, 0) then
    save(head)
  end
  return head
end

-- An epoch without entries. The reader of the log stays.
local function begin(head)
  redis.call('UNLINK', ENTRIES, GIVEN)
  head.epoch, head.seq, head.floor, head.bytes, head.oldest = CANDIDATE, 0, 0, 0, nil
  return head
end

local function find_or_make()
  return find() or begin({born = NOW})
end

local function is_purged()
  return PURGED and redis.call('EXISTS', PURGED) == 1
end

local function push(head, payload, key)
  head.seq = head.seq + 1
  head.bytes = head.bytes + #payload
  local age = NOW - head.born
  head.oldest = head.oldest or age
  local id = int(head.seq) .. '-0'
  if key then
    redis.call('XADD', ENTRIES, id, 't', int(age), 'p', payload, 'k', key)
  else
    redis.call('XADD', ENTRIES, id, 't', int(age), 'p', payload)
  end
end

-- Makes a connection the one reader; says its generation, and whether it is the first. Generations are
-- at least the microseconds since the epoch, so that they grow also when the log was lost.
local function attach(instance, connection)
  local last = redis.call('HGET', HEAD, 'generation')
  local generation = int(math.max((tonumber(last) or 0) + 1, time[1] * 1000000 + time[2]))
  redis.call('HSET', HEAD, 'reader', instance, 'connection', connection, 'generation', generation)
  return generation, last and 0 or 1
end

-- A head as scripts answer it.
local function shown(head)
  return head.epoch, int(head.seq), int(head.floor), head.sealed and 1 or 0
end
