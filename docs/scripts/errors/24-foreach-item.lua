-- One of many items fails
-- $ aikit-lua run foreach-item.lua --input '{"rows": [{"n": 4}, {"n": 0}, {"n": 2}]}'
local aikit = require "aikit"
return aikit.workflow { id = "divide" }
  :foreach {
    id = "rows",
    items = function(input) return input.rows end,
    step = {
      id = "invert",
      handler = function(row)
        if row.n == 0 then error "cannot divide by nothing" end
        return 1 / row.n
      end,
    },
  }
  :commit()
