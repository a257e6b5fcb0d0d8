-- Starts the time of a lease again. ARGV: name, fence, milliseconds, facts.
if not is_held_under(ARGV[1], ARGV[2]) then
  return 0
end
redis.call('HSET', HELD, 'f' .. ARGV[1], ARGV[4])
hold_until(ARGV[1], NOW + tonumber(ARGV[3]))
return 1
