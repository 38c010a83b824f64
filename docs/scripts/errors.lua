local aikit = require "aikit"
local s = aikit.schema

local charge = aikit.step {
  id = "charge",
  input_schema = s.object { amount = s.number():positive(), fail_times = s.integer():default(0) },
  retry = { max_attempts = 3, backoff = "exponential", initial = "20ms" },
  timeout = "5s",
  handler = function(input, context)
    if input.amount > 1000 then
      aikit.fail {
        code = "limit", message = "more than the card allows", retryable = false, details = { limit = 1000 },
      }
    end
    if context.attempt <= input.fail_times then error "the bank does not answer" end
    return { paid = input.amount, attempts = context.attempt }
  end,
}

return aikit.workflow { id = "payment" }:step(charge):commit()
