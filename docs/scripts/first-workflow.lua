local aikit = require "aikit"
local s = aikit.schema

local measure = aikit.step {
  id = "measure",
  description = "Count the words of the text",
  input_schema = s.object { text = s.string():min(1) },
  output_schema = s.object { words = s.integer() },
  handler = function(input)
    local _, words = input.text:gsub("%S+", "")
    return { words = words }
  end,
}

local report = aikit.step {
  id = "report",
  handler = function(measured, context)
    local minutes = math.ceil(measured.words / context.ctx.words_per_minute)
    return { words = measured.words, minutes = minutes }
  end,
}

return aikit.workflow {
    id = "reading-time",
    description = "How long a text takes to read",
    input_schema = s.object { text = s.string():trim():min(1) },
    output_schema = s.object { words = s.integer(), minutes = s.integer() },
    ctx = { words_per_minute = 220 },
  }
  :step(measure)
  :step(report)
  :commit()
