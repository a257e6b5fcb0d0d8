-- The heads of many logs. KEYS: heads. ARGV: for each, how long it lives unasked (empty: for ever).
-- Answers five values for each: the head, and whether the log is due for a look of its own. An
-- unknown log has an empty epoch.
local time = redis.call('TIME')
local NOW = time[1] * 1000 + math.floor(time[2] / 1000)

local heads = {}
for i, key in ipairs(KEYS) do
  local head = redis.call('HMGET', key, 'epoch', 'seq', 'floor', 'sealed', 'born', 'oldest', 'max_age')
  local due = false
  if head[1] and head[4] ~= '1' then
    local patience = tonumber(ARGV[i])
    local oldest, age = tonumber(head[6]), tonumber(head[7])
    due = oldest and age and tonumber(head[5]) + oldest + age <= NOW
      or patience and redis.call('PTTL', key) < patience
  end
  local at = #heads
  heads[at + 1] = head[1] or ''
  heads[at + 2] = head[2] or '0'
  heads[at + 3] = head[3] or '0'
  heads[at + 4] = head[4] == '1' and 1 or 0
  heads[at + 5] = due and 1 or 0
end
return heads
