-- An expense is booked when somebody has approved it; small ones need nobody. Run it:
--   aikit-lua run expense.lua --input @input.json
-- On a terminal the form is asked right there. Elsewhere the run waits, and the command says how to answer.
local aikit = require "aikit"
local s = aikit.schema

local expense = s.object {
  who = s.string():min(1),
  what = s.string():min(1),
  amount = s.number():min(0),
}

local approve = aikit.human {
  id = "approve",
  description = "Ask the head of the team",
  output = function(claim) return { summary = ("%s: %s for %g"):format(claim.who, claim.what, claim.amount) } end,
  input = function(ask)
    return ask.form {
      title = "Approve the expense?",
      fields = {
        ask.select { id = "decision", label = "Decision", options = { "approve", "reject" } },
        ask.text { id = "comment", label = "Comment" },
      },
    }
  end,
  response_schema = s.object { decision = s.enum { "approve", "reject" }, comment = s.string():optional() },
  -- Nobody answers for a week: that is a no.
  timeout = "7d",
  default = { decision = "reject", comment = "nobody decided in time" },
}

return aikit.workflow {
    id = "expense",
    description = "Approve and book an expense",
    input_schema = expense,
    output_schema = s.object { booked = s.boolean(), reason = s.string() },
    ctx = { limit = 100 },
  }
  :branch {
    id = "size",
    resolve = function(claim, context) return claim.amount <= context.ctx.limit and "small" or "large" end,
    cases = {
      small = { aikit.step {
        id = "wave-through",
        handler = function() return { decision = "approve", comment = "below the limit" } end,
      } },
      large = { approve },
    },
  }
  :step {
    id = "book",
    handler = function(answer, context)
      local booked = answer.decision == "approve"
      context:emit { type = booked and "booked" or "rejected", data = context.initial_input }
      return { booked = booked, reason = answer.comment or answer.decision }
    end,
  }
  :commit()
