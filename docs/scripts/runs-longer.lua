local aikit = require "aikit"
local s = aikit.schema

return aikit.workflow { id = "expense", input_schema = s.object { who = s.string(), amount = s.number():positive() } }
  :step {
    id = "check",
    handler = function(claim) return { who = claim.who, amount = claim.amount, over_limit = claim.amount > 500 } end,
  }
  :branch {
    id = "limit",
    resolve = function(claim) return claim.over_limit and "ask" or "pay" end,
    cases = {
      pay = {
        id = "automatic", handler = function() return { decision = "approve", note = "under the limit" } end,
      },
      ask = aikit.human {
        id = "approval",
        output = function(claim) return { text = ("%s claims %d euros"):format(claim.who, claim.amount) } end,
        input = function(ask)
          return ask.form {
            title = "Pay this expense?",
            fields = {
              ask.select { id = "decision", label = "Decision", options = { "approve", "reject" } },
              ask.text { id = "note", label = "Note" },
            },
          }
        end,
        response_schema = s.object { decision = s.enum { "approve", "reject" }, note = s.string() },
      },
    },
  }
  :step {
    id = "close",
    handler = function(answer, context)
      return { who = context.initial_input.who, decision = answer.decision, note = answer.note }
    end,
  }
  :step { id = "thank", handler = function(answer) return { who = answer.decision, thanks = true } end }
  :commit()
