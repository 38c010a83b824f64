local aikit = require "aikit"

return aikit.workflow { id = "pay" }
  :step {
    id = "pay",
    retry = { max_attempts = 2, initial = "10ms" },
    handler = function(order, context)
      local charge = context:once("charge", function()
        print("charges " .. order.cents)
        return { id = "ch-1" }
      end)
      if context.attempt == 1 then error "the mail server is down" end
      context:once("mail", function() print("mails the receipt of " .. charge.id) end)
      return { charge = charge.id }
    end,
  }
  :commit()
