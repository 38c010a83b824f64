local aikit = require "aikit"
local s = aikit.schema

local model = aikit.model {
  provider = "anthropic",
  name = "claude-haiku-5",
  base_url = "http://127.0.0.1:18742",
  retry = { max_attempts = 10, initial = "200ms" },
}

local refund = aikit.tool {
  id = "refund",
  description = "Give money back",
  input_schema = s.object { order = s.string(), cents = s.integer():min(1) },
  handler = function(input) return ("refunded %d cents of %s"):format(input.cents, input.order) end,
}

local triage = aikit.agent {
  id = "triage",
  model = model,
  instructions = "Sort the mail. Refund what was charged twice.",
  prompt = function(mail) return mail.text end,
  tools = { refund },
  approve = { "refund" },
  output_schema = s.object { label = s.enum { "bug", "billing", "question" }, reason = s.string() },
}

return aikit.workflow { id = "mail", input_schema = s.object { text = s.string() } }
  :step(triage)
  :branch {
    id = "route",
    resolve = function(mail) return mail.label end,
    cases = { billing = { { id = "file", handler = function(mail) return { filed = mail.reason } end } } },
  }
  :commit()
