local aikit = require "aikit"

local RATES = { EUR = 1, USD = 0.9, CHF = 1.1 }

return aikit.workflow { id = "invoice" }
  :step { id = "load", handler = function(input) return { lines = input.lines } end }
  :foreach {
    id = "convert",
    items = function(invoice) return invoice.lines end,
    step = {
      id = "euros",
      handler = function(line)
        local rate = RATES[line.currency]
        if not rate then
          aikit.fail { code = "no_rate", message = "no rate for " .. line.currency }
        end
        return { amount = line.amount * rate }
      end,
    },
  }
  :step {
    id = "total",
    handler = function(lines)
      local sum = 0
      for _, line in ipairs(lines) do sum = sum + line.amount end
      return { total = sum }
    end,
  }
  :commit()
