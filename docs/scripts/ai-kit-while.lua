local aikit = require "aikit"

local double = aikit.step { id = "double", handler = function(x) return { n = x.n * 2 } end }

return aikit.workflow { id = "grow" }
  :loop {
    id = "until-large",
    step = double,
    condition = function(current) return current.n < 100 end,
    max_iterations = 20,
    collect = function(results) return { n = results[#results].n, rounds = #results } end,
  }
  :commit()
