local aikit = require "aikit"

local month = aikit.step {
  id = "month",
  handler = function(account, context)
    local interest = math.floor(account.debt * 0.01 + 0.5)
    return { month = context.iteration, debt = math.max(0, account.debt + interest - account.payment) }
  end,
}

return aikit.workflow { id = "repayment" }
  :loop {
    id = "pay-back",
    step = month,
    condition = function(current) return current.debt > 0 end,
    -- The next month needs the payment too, which the step does not pass on.
    prepare_next_input = function(current, context)
      return { debt = current.debt, payment = context.input.payment }
    end,
    max_iterations = 600,
    collect = function(months)
      local debts = {}
      for index, m in ipairs(months) do debts[index] = m.debt end
      return { months = #months, debts = aikit.array(debts) }
    end,
  }
  :commit()
