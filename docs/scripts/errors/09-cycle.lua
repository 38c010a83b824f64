-- The steps go round in a circle for ever
local aikit = require "aikit"
local function same(input) return input end
return aikit.workflow { id = "round" }
  :step { id = "a", handler = same }
  :step { id = "b", handler = same, next = "a" }
  :commit()
