-- A person decides: the run prepares an offer, waits for an answer to a form, and goes on with it.
--
--   aikit-lua run examples/onboarding.lua --input '{"name": "Ada Lovelace", "role": "engineer"}'
--
-- On a terminal the form is asked right there. Elsewhere the run waits (exit 3) until somebody answers:
--   aikit-lua resume RUN --data '{"decision": "hire", "start": "2026-09-01", "note": ""}'
local aikit = require "aikit"
local s = aikit.schema

local SALARIES = { engineer = 62000, designer = 55000, writer = 48000 }

local prepare = aikit.step {
  id = "prepare",
  description = "Write the offer",
  handler = function(input)
    return { name = input.name, role = input.role, salary = SALARIES[input.role] }
  end,
}

local accounts = aikit.step {
  id = "accounts",
  description = "Choose the account's name",
  handler = function(_, context)
    local first, last = context.initial_input.name:lower():match "^(%S+).-(%S*)$"
    return { account = last == "" and first or first:sub(1, 1) .. last }
  end,
}

local welcome = aikit.step {
  id = "welcome",
  handler = function(input, context)
    local person = context.initial_input
    return { text = ("Welcome, %s! Your account is %s."):format(person.name, input.account) }
  end,
}

local regret = aikit.step {
  id = "regret",
  handler = function(_, context) return { text = "Thank you for your time, " .. context.initial_input.name .. "." } end,
}

return aikit.workflow {
    id = "onboarding",
    description = "From an offer to a first day",
    input_schema = s.object { name = s.string():trim():min(1), role = s.enum { "engineer", "designer", "writer" } },
    output_schema = s.object { text = s.string() },
  }
  :step(prepare)
  :human {
    id = "review",
    output = function(offer)
      return { summary = ("%s, %s, %d a year"):format(offer.name, offer.role, offer.salary) }
    end,
    input = function(ask, context)
      return ask.form {
        title = "Hire " .. context.initial_input.name .. "?",
        submit_label = "Decide",
        fields = {
          ask.select { id = "decision", label = "Decision", options = { "hire", "decline" } },
          ask.date { id = "start", label = "First day" },
          ask.textarea { id = "note", label = "Note for the file" },
        },
      }
    end,
    response_schema = s.object {
      decision = s.enum { "hire", "decline" }, start = s.string():optional(), note = s.string():optional(),
    },
  }
  :branch {
    id = "decision",
    resolve = function(answer) return answer.decision end,
    cases = { hire = { accounts, welcome }, decline = regret },
  }
  :commit()
