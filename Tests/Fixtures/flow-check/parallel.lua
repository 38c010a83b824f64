local aikit = require "aikit"
local s = aikit.schema

local words = aikit.step {
  id = "words", output_schema = s.integer(), handler = function(text) return #text end,
}
local mood = aikit.step {
  id = "mood", output_schema = s.enum { "good", "bad" }, handler = function() return "good" end,
}

return aikit.workflow { id = "analyse", input_schema = s.string() }
  :parallel { id = "look", branches = { words = words, mood = mood } }
  :step {
    id = "report",
    input_schema = s.object { words = s.integer(), mood = s.integer(), language = s.string() },
    handler = function(found) return found end,
  }
  :commit()
