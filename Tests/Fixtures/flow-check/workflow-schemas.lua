local aikit = require "aikit"
local s = aikit.schema

local greet = aikit.step {
  id = "greet",
  input_schema = s.object { name = s.string():min(1), language = s.enum { "en", "fr" } },
  output_schema = s.object { text = s.string() },
  handler = function(input) return { text = "Hello " .. input.name } end,
}

local inner = aikit.workflow { id = "inner", output_schema = s.object { text = s.string() } }:step(greet):commit()

-- The outer workflow gives its step less than that takes, and takes another output than that gives.
return aikit.workflow {
    id = "outer",
    input_schema = s.object { name = s.string() },
    output_schema = s.array(s.string()),
  }
  :step(inner)
  :commit()
