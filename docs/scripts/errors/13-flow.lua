-- A step gives what the next one cannot take
local aikit = require "aikit"
local s = aikit.schema
local fetch = aikit.step {
  id = "fetch",
  output_schema = s.object { city = s.string(), wind = s.string() },
  handler = function() return { city = "Brest", wind = "40" } end,
}
local judge = aikit.step {
  id = "judge",
  input_schema = s.object { city = s.string(), wind = s.number() },
  handler = function(input) return input.wind > 90 end,
}
return aikit.workflow { id = "weather" }:step(fetch):step(judge):commit()
