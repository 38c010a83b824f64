-- An output holds what is no data
local aikit = require "aikit"
return aikit.workflow { id = "leak" }
  :step { id = "make", handler = function() return { name = "x", tools = { { run = function() end } } } end }
  :commit()
