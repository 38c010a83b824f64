local aikit = require "aikit"
local s = aikit.schema

return aikit.workflow {
    id = "ledger", description = "Fails on its third line", input_schema = s.object { lines = s.integer() },
  }
  :step {
    id = "load",
    handler = function(input)
      local lines = {}
      for number = 1, input.lines do
        lines[number] = { id = number, amount = number < 3 and { value = number } or nil }
      end
      return { lines = lines }
    end,
  }
  :foreach {
    id = "compare", items = function(input) return input.lines end,
    step = aikit.step { id = "parse", handler = function(line) return { twice = line.amount.value * 2 } end },
  }
  :commit()
