-- Says very much, and of every kind that is hard to show.
local aikit = require "aikit"
local s = aikit.schema

local function deep(levels)
  local value = "bottom"
  for _ = 1, levels do value = { value } end
  return value
end

return aikit.workflow {
    id = "torrent", description = "Says very much",
    input_schema = s.object { lines = s.integer(), size = s.integer() },
  }
  :step {
    id = "say",
    handler = function(input, context)
      for number = 1, input.lines do context:log("info", "line " .. number, { number = number }) end
      return input
    end,
  }
  :step {
    id = "show",
    handler = function(input)
      local wide = {}
      for number = 1, input.size do wide["key " .. number] = number end
      return {
        long = ("x"):rep(input.size * 20), wide = wide, deep = deep(60), empty = {},
        control = ("\27[31m\u{202E}\0<b>"):rep(input.size // 10),
        names = {
          ["ä" .. ("n"):rep(300)] = "📦 👩‍👩‍👧‍👦 🏳️‍🌈", ["日本語"] = "長い名前",
          ["العربية"] = "نص من اليمين إلى اليسار",
        },
      }
    end,
  }
  :commit()
