-- Reads a page. ARGV[4..]: the epoch and seq to read after, the reader's generation (empty: none),
-- largest number of events and of bytes. Epoch and seq 0 are the beginning of any epoch.
local EPOCH, SEQ, GENERATION = ARGV[4], ARGV[5], ARGV[6]
local MAX_EVENTS, MAX_BYTES = tonumber(ARGV[7]), tonumber(ARGV[8])

local head = find()
if not head then
  return {'unknown'}
end
used(head)
if GENERATION ~= '' and GENERATION ~= redis.call('HGET', HEAD, 'generation') then
  return {'superseded'}
end

local function gap()
  return {'gap', head.epoch, int(head.floor), int(head.seq)}
end

local after = tonumber(SEQ)
local beginning = EPOCH == '0' and SEQ == '0'
if not beginning and (EPOCH ~= head.epoch or after > head.seq) then
  return gap()
end
if GENERATION ~= '' then
  redis.call('HSET', HEAD, 'acknowledged_epoch', EPOCH, 'acknowledged_seq', SEQ)
end
if after < head.floor then
  return gap()
end

local page = {}
local next, bytes = after + 1, 0
while next <= head.seq and #page < MAX_EVENTS and (bytes < MAX_BYTES or #page == 0) do
  -- About as many as are still wanted, so that large payloads are not copied in vain.
  local average = head.bytes / (head.seq - head.floor)
  local wanted = math.floor((MAX_BYTES - bytes) / math.max(average, 1)) + 1
  local count = math.max(1, math.min(MAX_EVENTS - #page, wanted, 256))
  local items = redis.call('XRANGE', ENTRIES, int(next) .. '-0', '+', 'COUNT', count)
  if #items == 0 or items[1][1] ~= int(next) .. '-0' then
    -- Entries were lost: nothing up to the next one that is left can be had any more.
    head.floor = items[1] and tonumber(items[1][1]:match('^%d+')) - 1 or head.seq
    save(head)
    return gap()
  end
  for _, item in ipairs(items) do
    if bytes >= MAX_BYTES and #page > 0 then
      break
    end
    page[#page + 1] = item[2][4]
    bytes = bytes + #item[2][4]
    next = next + 1
  end
end
local more = next <= head.seq
return {'page', head.epoch, int(after), more and 1 or 0, head.sealed and not more and 1 or 0, page}
