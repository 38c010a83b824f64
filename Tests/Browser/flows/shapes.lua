-- Values of every kind that a form may be asked for, given back as they came.
local aikit = require "aikit"

local shapes = aikit.workflow {
    id = "shapes", description = "Gives back what it gets",
    input_schema = {
      type = "object", required = aikit.array { "mail" },
      properties = {
        mail = { type = "string", format = "email" }, pass = { type = "string", format = "password" },
        big = { type = "integer", minimum = 0, maximum = 9007199254740993 },
        field_1 = { type = "string" }, field_2 = { type = "string" }, field_10 = { type = "string" },
        [""] = { type = "string" }, note = { anyOf = aikit.array { { type = "string" }, { type = "null" } } },
        place = { type = "object", default = { city = "Oslo" }, properties = { city = { type = "string" } } },
      },
    },
  }
  :step { id = "echo", handler = function(value) return value end }
  :commit()

local anything = aikit.workflow { id = "anything", description = "Takes any JSON" }
  :step { id = "echo", handler = function(value) return value end }
  :commit()

local approval = aikit.workflow { id = "approval", description = "Shows a long list, and asks by words that are long" }
  :human {
    id = "approve",
    output = function(input)
      local rows = {}
      for index = 1, input.rows or 3 do rows[index] = index end
      return { about = input.about, rows = aikit.array(rows) }
    end,
    input = function(ask)
      local long = ("Wide"):rep(120)
      return ask.form { title = "Approve?", submit_label = "Approve " .. ("x"):rep(120), fields = {
        ask.select { id = "way", label = long, options = { long, "short" } },
        ask.multiselect { id = "all", label = "All", options = { long, "b" } },
      } }
    end,
  }
  :commit()

return { shapes, anything, approval }
