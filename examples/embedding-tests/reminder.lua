local aikit = require "aikit"
local orders = aikit.host "orders"

-- Reminds a customer of an order that is not paid three days later.
return aikit.workflow { id = "reminder" }
  :delay { id = "grace", duration = "3d" }
  :step { id = "look-up", handler = function(_, context) return orders.lookup(context.initial_input.order) end }
  :branch {
    id = "paid",
    resolve = function(order) return order.paid and "yes" or "no" end,
    cases = {
      yes = { id = "nothing", handler = function() return { sent = false } end },
      no = {
        id = "mail",
        retry = { max_attempts = 3, backoff = "exponential", initial = "1h" },
        handler = function(order)
          local answer = aikit.http.post("https://mail.example/v1/send", { json = { to = order.email } })
          if not answer.ok then
            aikit.fail { code = "mail_failed", message = "HTTP " .. answer.status, retryable = answer.status >= 500 }
          end
          return { sent = true }
        end,
      },
    },
  }
  :commit()
