local aikit = require "aikit"

return aikit.workflow { id = "stranger" }
  :step { id = "count", handler = function() return { sum = 3 + 4 } end }
  :step { id = "look", handler = function(input)
      input.home = pcall(aikit.env.get, "HOME")
      return input
    end }
  :commit()
