-- The script waits for something while it is loaded
local aikit = require "aikit"
aikit.sleep "1s"
return aikit.workflow { id = "late" }:step { id = "a", handler = function() return 1 end }:commit()
