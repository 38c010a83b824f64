local aikit = require "aikit"

local approve = aikit.step { id = "approve", handler = function(loan) return { answer = "yes to " .. loan.amount } end }
local refuse = aikit.step { id = "refuse", handler = function() return { answer = "no" } end }

return aikit.workflow { id = "loan" }
  :branch {
    id = "score",
    resolve = function(loan)
      return loan.score >= 600 and "good" or "bad"
    end,
    cases = { good = { approve }, bad = { refuse } },
  }
  :commit()
