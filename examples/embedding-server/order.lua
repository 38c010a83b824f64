local aikit = require "aikit"
local s = aikit.schema

return aikit.workflow {
    id = "order",
    input_schema = s.object { items = s.array(s.object { price = s.number(), count = s.integer():min(1) }):min(1) },
  }
  :step {
    id = "total",
    handler = function(order)
      local total = 0
      for _, item in ipairs(order.items) do total = total + item.price * item.count end
      return { total = total }
    end,
  }
  :branch {
    id = "size",
    resolve = function(order) if order.total > 100 then return "large" end end,
    cases = {
      large = aikit.human {
        id = "approval",
        output = function(order) return { text = ("An order of %.2f"):format(order.total) } end,
        response_schema = s.object { approved = s.boolean() },
      },
    },
    otherwise = { id = "accept", handler = function() return { approved = true } end },
  }
  :step { id = "close", handler = function(answer) return { state = answer.approved and "shipped" or "cancelled" } end }
  :commit()
