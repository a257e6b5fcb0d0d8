-- The live leases whose names begin with ARGV[1]: name, holder, fence and facts of each.
local found = {}
for _, name in ipairs(redis.call('ZRANGE', DUE, '(' .. string.format('%.0f', NOW), '+inf', 'BYSCORE')) do
  if name:sub(1, #ARGV[1]) == ARGV[1] then
    local known = redis.call('HMGET', HELD, 'h' .. name, 'n' .. name, 'f' .. name)
    if known[1] then
      local at = #found
      found[at + 1], found[at + 2], found[at + 3], found[at + 4] = name, known[1], known[2], known[3]
    end
  end
end
return found
