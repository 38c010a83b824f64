local aikit = require "aikit"
local s = aikit.schema

local price = aikit.step {
  id = "price",
  input_schema = s.object { sku = s.integer(), count = s.integer():min(1) },
  output_schema = s.number(),
  handler = function(line) return line.count * 2 end,
}

return aikit.workflow {
    id = "basket",
    input_schema = s.object {
      basket = s.object { lines = s.array(s.object { sku = s.string(), count = s.integer() }) },
    },
  }
  :foreach { id = "prices", items = function(input) return input.basket.lines end, step = price }
  :step {
    id = "sum",
    input_schema = s.array(s.object { price = s.number() }),
    handler = function(prices) return #prices end,
  }
  :commit()
