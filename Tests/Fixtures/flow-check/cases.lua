local aikit = require "aikit"
local s = aikit.schema

local function note(id) return { id = id, handler = function(input) return input end } end

return aikit.workflow {
    id = "triage",
    input_schema = s.object { level = s.enum { "low", "high", "urgent" }, score = s.integer() },
  }
  :branch {
    id = "by-level",
    resolve = function(ticket) return ticket.level end,
    cases = { low = { note "log" }, high = { note "mail" }, critical = { note "call" } },
  }
  :branch {
    id = "by-score",
    resolve = function(ticket)
      if ticket.score > 9 then return "top" end
      return ticket.score > 5 and "middle" or "bottm"
    end,
    cases = { top = { note "first" }, middle = { note "second" }, bottom = { note "last" }, none = { note "never" } },
  }
  :commit()
