local aikit = require "aikit"

local tick = aikit.step { id = "tick", handler = function(n) return n + 1 end }

return aikit.workflow { id = "clock" }
  :loop { id = "for-ever", step = tick, condition = function() return true end }
  :step { id = "leap", handler = function(input) return input end, next = "landing" }
  :step { id = "gap", handler = function(input) return input end }
  :step { id = "landing", handler = function(input) return input end }
  :commit()
