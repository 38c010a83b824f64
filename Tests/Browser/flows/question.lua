local aikit = require "aikit"
local s = aikit.schema

return aikit.workflow { id = "question", description = "Asks one thing" }
  :human {
    id = "ask", output = function(input) return { about = input.about } end,
    response_schema = s.object { answer = s.string() },
  }
  :commit()
