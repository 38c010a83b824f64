-- Attempts that fail, an event from outside, and a step of which the person's answer has many shapes.
local aikit = require "aikit"
local s = aikit.schema

return aikit.workflow {
    id = "payment", description = "Asks the bank, waits for its word, then for a clerk",
    input_schema = s.object { order = s.string(), cents = s.integer():min(1) },
    tags = function(input) return { order = input.order, large = input.cents > 100000 } end,
  }
  :step {
    id = "bank", retry = { max_attempts = 4, initial = "150ms" },
    handler = function(order, context)
      context:log("info", "asks the bank", { attempt = context.attempt })
      if context.attempt < 3 then error "the bank is busy" end
      return order
    end,
  }
  :wait_for {
    id = "settled", event = "paid",
    response_schema = s.object { by = s.enum { "card", "transfer" }, note = s.string():optional() },
  }
  :human {
    id = "book", output = function(event) return event end,
    response_schema = s.object {
      account = s.union {
        s.object { kind = s.literal "sales", region = s.string() },
        s.object { kind = s.literal "refund", of = s.integer() },
      },
      discount = s.object { percent = s.number():min(0):max(50), reason = s.string() }:optional(),
      notes = s.array(s.string()):optional(),
    },
  }
  :commit()
