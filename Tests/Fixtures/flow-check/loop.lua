local aikit = require "aikit"
local s = aikit.schema

-- Each output is the next iteration's input.
local poll = aikit.step {
  id = "poll",
  input_schema = s.object { job = s.string() },
  output_schema = s.object { status = s.enum { "running", "done" } },
  handler = function() return { status = "done" } end,
}

return aikit.workflow { id = "wait" }
  :loop {
    id = "until-done",
    step = poll,
    condition = function(current) return current.status ~= "done" end,
    max_iterations = 20,
  }
  :step {
    id = "report",
    input_schema = s.object { last_result = s.object { status = s.literal "failed" } },
    handler = function(input) return input.last_result end,
  }
  :commit()
