local aikit = require "aikit"
local s = aikit.schema

return aikit.workflow {
    id = "invoice",
    telemetry = { metadata = { team = "billing" }, tags = { "invoices" }, environment = "staging" },
  }
  :step {
    id = "load",
    input_schema = s.object { customer = s.string(), items = s.array(s.number()) },
    handler = function(order) return order end,
  }
  :foreach {
    id = "lines",
    items = function(order) return order.items end,
    step = {
      id = "price",
      telemetry = { record_inputs = false },
      retry = { max_attempts = 2, initial = "10ms" },
      handler = function(amount, context)
        if amount > 100 and context.attempt == 1 then error "the price service is busy" end
        return amount * 1.2
      end,
    },
  }
  :step { id = "sum", handler = function(lines)
    local total = 0
    for _, line in ipairs(lines) do total = total + line end
    return { total = total }
  end }
  :commit()
