local aikit = require "aikit"
local s = aikit.schema

return aikit.workflow { id = "approval", output_schema = s.object { text = s.string() } }
  :human {
    id = "review",
    output = function(draft) return draft end,
    input = function(ask)
      return ask.form { title = "Send it?", fields = { ask.confirm { id = "send", label = "Send" } } }
    end,
    response_schema = s.object { send = s.boolean() },
    timeout = "2d",
    default = { send = "no" },
  }
  :step {
    id = "send",
    input_schema = s.object { send = s.boolean(), text = s.string() },
    output_schema = s.object { text = s.string() },
    handler = function(reply) return { text = reply.text } end,
  }
  :commit()
