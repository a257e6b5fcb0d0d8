-- Gives a name back. ARGV: name, fence.
if not is_held_under(ARGV[1], ARGV[2]) then
  return 0
end
forget(ARGV[1])
return 1
