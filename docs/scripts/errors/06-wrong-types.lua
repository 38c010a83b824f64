-- Values of the wrong type, all told at once
local aikit = require "aikit"
return aikit.workflow { id = "sort" }
  :branch {
    id = "way",
    resolve = 3,
    cases = { left = { { id = "turn", timeout = "10 secs", handler = function(input) return input end } } },
  }
  :loop { id = "again", max_iterations = 0, condition = function() return false end }
  :commit()
