-- The script returns nothing
local aikit = require "aikit"
aikit.workflow { id = "greet" }:step { id = "hello", handler = function() return "hello" end }:commit()
