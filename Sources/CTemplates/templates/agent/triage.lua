-- Sorts mail with a model that may look up orders, and asks a person before money goes back.
local aikit = require "aikit"
local s = aikit.schema

local model = aikit.model {
  provider = "openai",
  name = "gpt-5-mini",
  api_key = aikit.secret "OPENAI_API_KEY",
  parameters = { max_tokens = 1000 },
}

-- Stands in for your own system.
local orders = { ["A-7"] = { cents = 900, charged = 2 } }

local find_order = aikit.tool {
  id = "find-order",
  description = "Look an order up by its number",
  input_schema = s.object { order = s.string() },
  handler = function(input) return orders[input.order] or aikit.fail("there is no order " .. input.order) end,
}

local refund = aikit.tool {
  id = "refund",
  description = "Give the money for one charge of an order back",
  input_schema = s.object { order = s.string(), cents = s.integer():min(1) },
  handler = function(input, context)
    -- Here your payment service is called, with context.idempotency_key.
    return { refunded = input.cents, key = context.idempotency_key }
  end,
}

local triage = aikit.agent {
  id = "triage",
  model = model,
  instructions = "Sort the mail of customers. Give money back only for orders that were charged more than once.",
  prompt = function(mail) return mail.text end,
  tools = { find_order, refund },
  approve = { "refund" },
  output_schema = s.object { label = s.enum { "billing", "bug", "question" }, summary = s.string() },
  max_turns = 8,
  budget = { tokens = 20000 },
}

return aikit.workflow {
    id = "mail",
    description = "Sorts one mail",
    input_schema = s.object { text = s.string():min(1) },
  }
  :step(triage)
  :step { id = "file", handler = function(mail) return { folder = mail.label, note = mail.summary } end }
  :commit()
