local aikit = require "aikit"
local s = aikit.schema

local double = aikit.step {
  id = "double",
  input_schema = s.object { n = s.number() },
  handler = function(input) return { n = input.n * 2 } end,
}

return aikit.workflow { id = "growth" }
  :loop {
    id = "grow",
    step = double,
    condition = function(current) return current.n < 20 end,
    collect = function(results) return { rounds = #results, n = results[#results].n } end,
  }
  :commit()
