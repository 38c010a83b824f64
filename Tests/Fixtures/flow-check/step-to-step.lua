local aikit = require "aikit"
local s = aikit.schema

local fetch = aikit.step {
  id = "fetch",
  output_schema = s.object { city = s.string(), reading = s.object { wind = s.string(), at = s.string():datetime() } },
  handler = function() return { city = "Brest", reading = { wind = "40", at = "2026-01-31T12:00:00Z" } } end,
}

local judge = aikit.step {
  id = "judge",
  input_schema = s.object { city = s.string(), reading = s.object { wind = s.number(), gusts = s.number() } },
  handler = function(input) return input.reading.wind > 90 end,
}

return aikit.workflow { id = "weather" }:step(fetch):step(judge):commit()
