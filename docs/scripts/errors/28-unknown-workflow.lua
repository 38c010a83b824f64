-- A workflow is asked for that the script does not have
-- $ aikit-lua run unknown-workflow.lua --workflow ordrs
local aikit = require "aikit"
local function make(id) return aikit.workflow { id = id }:step { id = "a", handler = function() return 1 end }:commit() end
return { make "orders", make "returns" }
