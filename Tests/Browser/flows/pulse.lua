-- Says so many things, waits to be told to go on, and says some more.
local aikit = require "aikit"
local s = aikit.schema

local function say(id)
  return {
    id = id,
    handler = function(input, context)
      for number = 1, input[id] do context:emit { type = "pulse", data = { number = number, of = id } } end
      return input
    end,
  }
end

return aikit.workflow {
    id = "pulse", description = "Beats while it is watched",
    input_schema = s.object { before = s.integer() },
  }
  :step(say "before")
  :wait_for { id = "settled", event = "go", response_schema = s.object { after = s.integer() } }
  :step(say "after")
  :wait_for { id = "over", event = "stop" }
  :commit()
