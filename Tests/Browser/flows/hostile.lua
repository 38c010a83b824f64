-- Every text that a script can choose is markup, control characters, or the name of what JavaScript objects have.
local aikit = require "aikit"
local s = aikit.schema

local markup = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'
  .. '<a href="javascript:window.pwned=1">x</a>'
local control = "\0\27[31m\u{202E}\u{200B}\u{85}\r\n" .. markup

return aikit.workflow {
    id = "hostile", description = control,
    input_schema = s.object { [markup] = s.string():optional():describe(control), __proto__ = s.string():optional() },
    metadata = { [markup] = control },
  }
  :step {
    id = "say", description = control,
    handler = function(_, context)
      context:log("warn", control, { [markup] = control })
      context:emit { type = markup, data = { [control] = markup } }
      return {
        [markup] = control, __proto__ = { markup }, constructor = control, toString = markup, long = ("x"):rep(5000),
      }
    end,
  }
  :human {
    id = "ask",
    output = function(value) return value end,
    input = function(ask)
      return ask.form { title = markup, description = control, fields = {
        ask.text { id = "__proto__", label = markup, description = control },
        ask.select { id = "constructor", label = control, options = { markup, control } },
      } }
    end,
  }
  :step {
    id = "fail",
    handler = function() aikit.fail { code = markup, message = control, details = { [markup] = control } } end,
  }
  :commit()
