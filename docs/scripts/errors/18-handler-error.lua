-- A handler's code fails
-- $ aikit-lua run handler-error.lua --input '{"price": 3, "count": 2}'
local aikit = require "aikit"
local function total(order) return order.price * order.amount end
return aikit.workflow { id = "bill" }
  :step { id = "sum", handler = function(order) return { total = total(order) } end }
  :commit()
