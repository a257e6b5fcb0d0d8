-- Adds a batch. ARGV[4..]: what the writer has seen (epoch or empty, seq), idempotency key, digest
-- of the batch (empty: no key), largest number of events, of bytes, and age (empty: any),
-- whether to trim, a reader for a log that has none (instance or empty, connection), for how many
-- milliseconds the log is kept if it ends with this batch (empty: it does not); then the payloads.
local SEEN_EPOCH, SEEN_SEQ, KEY, DIGEST = ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7]
local TRIMS, INSTANCE, CONNECTION, KEEP, FIRST = ARGV[11] == '1', ARGV[12], ARGV[13], tonumber(ARGV[14]), 15

if is_purged() then
  return {'sealed'}
end
local head = find_or_make()

local function answer(seq, duplicate)
  local reader = redis.call('HMGET', HEAD, 'reader', 'connection', 'generation')
  return {'done', head.epoch, seq, duplicate, reader[1], reader[2], reader[3]}
end

if DIGEST ~= '' then
  local known = redis.call('HGET', GIVEN, KEY)
  if known then
    local seq, digest = known:match('^(%d+):(.*)$')
    if digest ~= DIGEST then
      return {'other'}
    end
    return answer(seq, 1)
  end
end
if head.sealed then
  return {'sealed'}
end
if SEEN_EPOCH ~= '' and (SEEN_EPOCH ~= head.epoch or SEEN_SEQ > head.seq) then
  begin(head)
end
for i = FIRST, #ARGV do
  push(head, ARGV[i], i == #ARGV and DIGEST ~= '' and KEY)
end
if DIGEST ~= '' then
  redis.call('HSET', GIVEN, KEY, int(head.seq) .. ':' .. DIGEST)
end
local last = int(head.seq)
if TRIMS then
  head.max_events, head.max_bytes, head.max_age = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
end
head.sealed = KEEP ~= nil
if TRIMS or KEEP then
  -- The last event of a log that ends stays whatever its size: only its time ends it.
  trim(head, KEEP and 1 or 0)
end
save(head)
if INSTANCE ~= '' and not redis.call('HGET', HEAD, 'generation') then
  attach(INSTANCE, CONNECTION)
end
if KEEP then
  live(KEEP)
else
  live_on()
end
return answer(last, 0)
