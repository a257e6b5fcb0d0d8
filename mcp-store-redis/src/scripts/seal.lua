-- Ends the log; says whether this did it, and who reads it. ARGV[4..]: for how many milliseconds it is kept; then perhaps a last payload.
local KEEP, LAST = tonumber(ARGV[4]), ARGV[5]

if is_purged() then
  return {0}
end
local head = find_or_make()
local reader = redis.call('HMGET', HEAD, 'reader', 'connection')
if head.sealed then
  if KEEP < redis.call('PTTL', HEAD) then
    live(KEEP)
  end
  return {0, reader[1], reader[2]}
end
if LAST then
  push(head, LAST)
end
head.sealed = true
-- The last event stays whatever its size: only its time ends it.
trim(head, LAST and 1 or 0)
save(head)
live(KEEP)
return {1, reader[1], reader[2]}
