local aikit = require "aikit"
local s = aikit.schema

local double = aikit.step {
  id = "double",
  input_schema = s.object { n = s.number() },
  handler = function(input) return { n = input.n * 2 } end,
}

local again = aikit.clone_step(double, { id = "again" })

local report = aikit.step {
  id = "report",
  handler = function(input) return { text = "four times is " .. input.n } end,
}

return aikit.workflow { id = "fourfold" }
  :step(double)
  :step(again)
  :step(report)
  :commit()
