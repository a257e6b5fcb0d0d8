-- Looks at a log that is due: forgets what is too old, starts its time again, shows its head.
local head = find()
if not head then
  return false
end
used(head)
return {shown(head)}
