local aikit = require "aikit"
local s = aikit.schema
-- What the program answers that runs this script.
local orders = aikit.host "orders"

return aikit.workflow {
    id = "order",
    input_schema = s.object { id = s.integer() },
    permissions = { host = { "orders.*" }, net = false },
  }
  :step { id = "look-up", handler = function(input) return orders.lookup { id = input.id } end }
  :branch {
    id = "size",
    resolve = function(order) if order.total > 100 then return "large" end end,
    cases = {
      large = aikit.human {
        id = "approval",
        output = function(order) return { text = ("Order %d of %.2f"):format(order.id, order.total) } end,
        response_schema = s.object { approved = s.boolean() },
      },
    },
    otherwise = { id = "accept", handler = function() return { approved = true } end },
  }
  :step {
    id = "close",
    retry = { max_attempts = 3 },
    handler = function(answer, context)
      return orders.close { id = context.initial_input.id, shipped = answer.approved }
    end,
  }
  :commit()
