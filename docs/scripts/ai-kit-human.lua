local aikit = require "aikit"
local s = aikit.schema

return aikit.workflow { id = "mail" }
  :step {
    id = "write",
    handler = function(input) return { text = "Dear " .. input.name } end,
  }
  :human {
    id = "review",
    output = function(current) return { draft = current.text } end,
    input = function(ask)
      return ask.form { title = "Send it?", fields = {
        ask.text { id = "text", label = "Text" },
        ask.select { id = "decision", label = "Decision", options = { "send", "drop" } },
      } }
    end,
    response_schema = s.object { text = s.string(), decision = s.enum { "send", "drop" } },
  }
  :step {
    id = "send",
    handler = function(reply) return { sent = reply.decision == "send", text = reply.text } end,
  }
  :commit()
