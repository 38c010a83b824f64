-- The input does not fit the workflow's schema
-- $ aikit-lua run invalid-input.lua --input '{"city": "", "days": "3", "units": "miles"}'
local aikit = require "aikit"
local s = aikit.schema
return aikit.workflow {
    id = "forecast",
    input_schema = s.object {
      city = s.string():min(1), days = s.integer():min(1), units = s.enum { "metric", "imperial" }, email = s.string():email(),
    },
  }
  :step { id = "a", handler = function(input) return input end }
  :commit()
