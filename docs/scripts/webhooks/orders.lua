local aikit = require "aikit"
local s = aikit.schema

local signed = aikit.hmac {
  secret = aikit.secret "SHOP_SECRET", header = "X-Shop-Signature", algorithm = "sha256", prefix = "sha256=",
}

return aikit.workflow {
    id = "order",
    input_schema = s.object { order = s.string(), total = s.number() },
    hooks = {
      {
        id = "placed", path = "shop/placed", verify = signed,
        input = function(request)
          if request.headers["x-shop-topic"] ~= "order" then return nil end -- such as the ping of a new hook
          return request.json
        end,
        run_id = function(request) return "order-" .. request.json.order end,
      },
      {
        id = "paid", path = "shop/paid", verify = signed,
        signal = function(request) return "order-" .. request.json.order, "paid", request.json end,
      },
    },
  }
  :wait_for { id = "payment", event = "paid" }
  :step { id = "ship", handler = function(payment) return "shipped, paid by " .. payment.by end }
  :commit()
