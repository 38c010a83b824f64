-- Values of every kind that a form may be asked for, given back as they came.
local aikit = require "aikit"
local s = aikit.schema

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
        ask.multiselect { id = "all", label = "All", options = { long, "b" }, required = true },
      } }
    end,
  }
  :commit()

-- Limits of every kind, and kinds of which one is meant.
local limits = aikit.workflow {
    id = "limits", description = "Takes what is within its limits",
    input_schema = s.object {
      name = s.string():min(3):max(8):pattern("^[a-z]+$"), share = s.number():gt(0):max(1),
      size = s.enum { "small", "large" },
      items = s.array(s.object { sku = s.string():min(3), count = s.integer():min(1):max(5) }):min(1):max(3),
      pay = s.union {
        s.object { kind = s.literal "card", owner = s.string() },
        s.object { kind = s.literal "bill", owner = s.string(), days = s.integer() },
      },
    },
  }
  :step { id = "echo", handler = function(value) return value end }
  :commit()

-- A password of which only its length comes out.
local secret = s.object { user = s.string(), password = s.string():secret() }
local vault = aikit.workflow { id = "vault", description = "Keeps a secret", input_schema = secret }
  :step {
    id = "login", input_schema = secret,
    handler = function(value) return { user = value.user, size = #value.password } end,
  }
  :commit()

return { shapes, anything, approval, limits, vault }
