local aikit = require "aikit"
local s = aikit.schema

return aikit.workflow {
    id = "render",
    input_schema = s.object { tenant = s.string(), pages = s.integer() },
    concurrency = { limit = 1, key = function(input) return input.tenant end },
    rate_limit = { limit = 100, period = "1m" },
    priority = function(input) return input.pages <= 2 and 10 or 0 end,
  }
  :wait_for { id = "printer", event = "ready" }
  :step { id = "print", handler = function() return "printed" end }
  :commit()
