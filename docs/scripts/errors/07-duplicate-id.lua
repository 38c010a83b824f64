-- Two nodes of one sequence have the same id
local aikit = require "aikit"
local function same(input) return input end
return aikit.workflow { id = "twins" }
  :step { id = "copy", handler = same }
  :step { id = "copy", handler = same }
  :commit()
