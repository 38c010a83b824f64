-- A field deep inside a large value is wrong
local aikit = require "aikit"
local s = aikit.schema
local line = s.object { sku = s.string():pattern "^[A-Z]{3}-\\d+$", count = s.integer():min(1), price = s.number():min(0) }
return aikit.workflow { id = "invoice" }
  :step {
    id = "collect",
    output_schema = s.object { customer = s.object { name = s.string() }, orders = s.array(s.object { lines = s.array(line) }) },
    handler = function()
      local orders = {}
      for o = 1, 20 do
        orders[o] = { lines = {} }
        for l = 1, 5 do orders[o].lines[l] = { sku = "ABC-" .. l, count = l, price = 9.5 } end
      end
      orders[13].lines[4].price = "9,50"
      return { customer = { name = "Ada" }, orders = orders }
    end,
  }
  :commit()
