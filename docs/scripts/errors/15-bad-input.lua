-- The input is no JSON
-- $ aikit-lua run bad-input.lua --input '{"city": Brest}'
local aikit = require "aikit"
return aikit.workflow { id = "echo" }:step { id = "a", handler = function(input) return input end }:commit()
