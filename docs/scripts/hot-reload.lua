local aikit = require "aikit"
local s = aikit.schema

return aikit.workflow { id = "report", input_schema = s.object { city = s.string():min(1) } }
  :step {
    id = "measure",
    handler = function(input)
      aikit.sleep "300ms" -- a slow instrument
      return { city = input.city, celsius = 21.5 }
    end,
  }
  :step {
    id = "write",
    handler = function(m) return { text = ("%s: %.1f degrees"):format(m.city, m.celsius) } end,
  }
  :commit()
