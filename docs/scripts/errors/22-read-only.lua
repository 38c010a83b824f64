-- ctx is changed in the wrong way
local aikit = require "aikit"
return aikit.workflow { id = "count", ctx = { visits = 0 } }
  :step { id = "visit", handler = function(_, context) context.ctx.visits = context.ctx.visits + 1 end }
  :commit()
