-- A function of the library is misspelt
local aikit = require "aikit"
local hello = aikit.setp { id = "hello", handler = function() return "hello" end }
return aikit.workflow { id = "greet" }:step(hello):commit()
