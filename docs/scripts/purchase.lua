local aikit = require "aikit"
local s = aikit.schema

local price = aikit.step {
  id = "price",
  input_schema = s.object { sku = s.string(), count = s.integer():min(1) },
  output_schema = s.object { total = s.number() },
  retry = { max_attempts = 3, initial = "1m" },
  handler = function(order)
    local answer = aikit.http.get("https://shop.example/prices/" .. order.sku)
    return { total = answer:json().price * order.count }
  end,
}

return aikit.workflow { id = "purchase" }
  :step(price)
  :branch {
    id = "size",
    resolve = function(priced) return priced.total > 1000 and "large" or "small" end,
    cases = {
      large = { aikit.human { id = "approve", response_schema = s.object { ok = s.boolean() } } },
      small = { aikit.step { id = "wave-through", handler = function() return { ok = true } end } },
    },
  }
  :delay { id = "cooling-off", duration = "14d" }
  :step {
    id = "ship",
    handler = function(answer, context)
      context:emit { type = answer.ok and "shipped" or "dropped", data = context.initial_input }
      return { shipped = answer.ok }
    end,
  }
  :commit()
