-- A key is misspelt, and so the right one is missing
local aikit = require "aikit"
return aikit.workflow { id = "greet" }:step { id = "hello", handlr = function() return "hello" end }:commit()
