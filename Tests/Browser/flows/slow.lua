local aikit = require "aikit"

return aikit.workflow { id = "slow", description = "Takes its time" }
  :step { id = "think", handler = function(input) aikit.sleep("5m") return input end }
  :commit()
