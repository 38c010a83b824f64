-- Ways back and ways around: a loop, a step that chooses what is next, and branches that run beside each other.
local aikit = require "aikit"

local function double(id)
  return aikit.step { id = id, handler = function(value) return { n = value.n * 2, tries = value.tries } end }
end

return aikit.workflow { id = "rounds", description = "Goes around until it is done" }
  :step { id = "start", handler = function(input) return { n = input.n or 1, tries = 0 } end }
  :loop {
    id = "grow", step = double "double", max_iterations = 20,
    condition = function(value) return value.n < 100 end,
    collect = function(values) return { n = values[#values].n, tries = 0 } end,
  }
  :step {
    id = "try",
    handler = function(value) return { n = value.n, tries = value.tries + 1 } end,
    next = function(value) return value.tries < 3 and "try" or "split" end,
  }
  :step { id = "repair", handler = function(value) return value end, next = "try" }
  :parallel {
    id = "split", branches = { east = double "east", west = double "west" },
    aggregate = function(found) return found.east end,
  }
  :delay { id = "rest", duration = "100ms" }
  :commit()
