local aikit = require "aikit"
local s = aikit.schema

return aikit.workflow { id = "bulk", description = "Many items", input_schema = s.object { count = s.integer() } }
  :foreach {
    id = "each", concurrency = 8,
    items = function(input)
      local items = {}
      for number = 1, input.count do items[number] = { n = number } end
      return items
    end,
    step = aikit.step { id = "square", handler = function(item) return { square = item.n * item.n } end },
    collect = function(results) return { count = #results } end,
  }
  :commit()
