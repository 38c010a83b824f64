local aikit = require "aikit"
local s = aikit.schema

return aikit.workflow { id = "orders", input_schema = s.object { total = s.number() } }
  :branch {
    id = "size",
    resolve = function(order) return order.total > 100 and "large" or "small" end,
    cases = {
      large = {
        { id = "discount", output_schema = s.object { total = s.number() },
          handler = function(order) return { total = order.total * 0.9 } end },
      },
      small = {
        { id = "describe", output_schema = s.object { text = s.string() },
          handler = function(order) return { text = "small: " .. order.total } end },
      },
    },
  }
  :step {
    id = "charge",
    input_schema = s.object { total = s.number() },
    handler = function(order) return order.total end,
  }
  :commit()
