local aikit = require "aikit"
local s = aikit.schema

local pick = aikit.step {
  id = "pick",
  handler = function(item)
    aikit.sleep("100ms")
    return { sku = item.sku, picked = item.count }
  end,
}

return aikit.workflow {
    id = "parcel",
    description = "Packs what somebody ordered",
    input_schema = s.object {
      customer = s.string():min(1),
      items = s.array(s.object { sku = s.string(), count = s.integer():min(1) }):min(1),
      address = s.object { street = s.string() }:optional(),
      pay = s.union { s.object { kind = s.literal "card" }, s.object { kind = s.literal "bill", days = s.integer() } },
    },
    metadata = { team = "warehouse" },
  }
  :step { id = "check", handler = function(order) return order end }
  :foreach {
    id = "picking", items = function(order) return order.items end, step = pick,
    collect = function(results) return { parcels = results } end,
  }
  :human {
    id = "release",
    output = function(parcel) return parcel end,
    input = function(ask)
      return ask.form { title = "Release the parcel?", fields = {
        ask.select { id = "decision", label = "Decision", options = { "send", "hold" }, required = true },
      } }
    end,
    response_schema = s.object { decision = s.enum { "send", "hold" } },
  }
  :branch {
    id = "way", resolve = function(answer) return answer.decision end,
    cases = {
      send = { aikit.step { id = "send", handler = function() return { sent = true } end } },
      hold = { aikit.step { id = "hold", handler = function() return { sent = false } end } },
    },
  }
  :commit()
