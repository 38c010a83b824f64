-- The chain has no end
local aikit = require "aikit"
return aikit.workflow { id = "greet" }:step { id = "hello", handler = function() return "hello" end }
