-- Takes a list of orders, checks and prices each of them, four at a time, and sums up. Run it:
--   aikit-lua run import.lua --input @input.json
local aikit = require "aikit"
local s = aikit.schema

local order = s.object {
  id = s.string():min(1),
  items = s.array(s.object { name = s.string(), count = s.integer():min(1), price = s.number():min(0) }):min(1),
}

-- A bad order is noted and does not stop the others, so it is checked here and not by the step's schema.
local check = aikit.step {
  id = "check",
  description = "Tell good orders from bad ones",
  handler = function(row)
    local verdict = order:safe_parse(row)
    if verdict.success then return { order = verdict.data } end
    return { id = row.id or "?", problem = verdict.message }
  end,
}

local price = aikit.step {
  id = "price",
  description = "Add up an order",
  handler = function(checked, context)
    if checked.problem then return checked end
    local total = 0
    for _, item in ipairs(checked.order.items) do total = total + item.count * item.price end
    context:emit { type = "priced", data = { id = checked.order.id, total = total } }
    return { id = checked.order.id, total = total }
  end,
}

return aikit.workflow {
    id = "import",
    description = "Import a batch of orders",
    input_schema = s.object { orders = s.array(s.any()) },
    output_schema = s.object {
      imported = s.integer(),
      total = s.number(),
      problems = s.array(s.object { id = s.string(), problem = s.string() }),
    },
  }
  :foreach {
    id = "orders",
    items = function(input) return input.orders end,
    concurrency = 4,
    step = { check, price },
  }
  :step {
    id = "sum-up",
    handler = function(results)
      local sum = { imported = 0, total = 0, problems = aikit.array() }
      for _, result in ipairs(results) do
        if result.problem then
          sum.problems[#sum.problems + 1] = result
        else
          sum.imported = sum.imported + 1
          sum.total = sum.total + result.total
        end
      end
      return sum
    end,
  }
  :commit()
