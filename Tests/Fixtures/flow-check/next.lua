local aikit = require "aikit"

return aikit.workflow { id = "jump" }
  :step { id = "start", handler = function(input) return input end, next = "finsh" }
  :step { id = "skipped", handler = function(input) return input end }
  :step { id = "finish", handler = function(input) return input end }
  :commit()
