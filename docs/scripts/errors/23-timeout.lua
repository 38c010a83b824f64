-- A handler does not end
local aikit = require "aikit"
return aikit.workflow { id = "spin" }
  :step { id = "turn", timeout = "200ms", handler = function() while true do end end }
  :commit()
