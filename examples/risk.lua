-- Decisions: a branch by name with a branch inside it, one by index, and what happens when no case fits.
--
--   aikit-lua run examples/risk.lua --input '{"applicant": "Ada", "amount": 9000, "income": 2500, "arrears": 1}'
local aikit = require "aikit"
local s = aikit.schema

local application = s.object {
  applicant = s.string():min(1),
  amount = s.number():positive(),
  income = s.number():positive(),
  arrears = s.integer():min(0):default(0),
}

local score = aikit.step {
  id = "score",
  description = "Score the application from 0 to 100",
  handler = function(input)
    local months = input.amount / input.income
    local points = math.floor(100 - months * 8 - input.arrears * 15)
    return { applicant = input.applicant, amount = input.amount, score = math.max(0, math.min(100, points)) }
  end,
}

--- A step that ends the matter one way.
local function decide(id, decision, reason)
  return aikit.step {
    id = id,
    handler = function(input) return { applicant = input.applicant, decision = decision, reason = reason } end,
  }
end

local halve = aikit.step {
  id = "halve",
  description = "Offer half of the amount",
  handler = function(input)
    input.amount = input.amount / 2
    return input
  end,
}

return aikit.workflow {
    id = "risk",
    description = "Decide on a loan",
    input_schema = application,
    output_schema = s.object { applicant = s.string(), decision = s.string(), letter = s.string() },
  }
  :step(score)
  :branch {
    id = "risk",
    resolve = function(input)
      if input.score >= 70 then return "low" end
      if input.score >= 40 then return "medium" end
    end,
    cases = {
      low = decide("approve", "approved", "low risk"),
      medium = {
        halve,
        aikit.branch {
          id = "size",
          -- A list of cases is chosen from by index.
          resolve = function(input) return input.amount > 4000 and 2 or 1 end,
          cases = {
            decide("approve-half", "approved", "half of the amount"),
            decide("ask-guarantor", "pending", "a guarantor is needed"),
          },
        },
      },
    },
    otherwise = decide("decline", "declined", "high risk"),
  }
  :step {
    id = "letter",
    handler = function(input)
      input.letter = ("Dear %s, your application is %s: %s."):format(input.applicant, input.decision, input.reason)
      return input
    end,
  }
  :commit()
