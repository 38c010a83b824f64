-- A context is kept beyond its step
local aikit = require "aikit"
local kept
return aikit.workflow { id = "late" }
  :step { id = "first", handler = function(input, context) kept = context return input end }
  :step { id = "second", handler = function(input) kept:log("info", "still here") return input end }
  :commit()
