local aikit = require "aikit"
local s = aikit.schema

return aikit.workflow {
    id = "leave",
    description = "Somebody asks for days off",
    input_schema = s.object { who = s.string(), days = s.integer():min(1) },
  }
  :step {
    id = "check",
    handler = function(wish) return { text = ("%s wants %d days off"):format(wish.who, wish.days) } end,
  }
  :human {
    id = "approval",
    output = function(wish) return wish end,
    response_schema = s.object { approved = s.boolean() },
  }
  :step { id = "close", handler = function(answer) return { granted = answer.approved } end }
  :commit()
