-- Names that nothing has, seen before anything runs
-- $ aikit-lua check names.lua
local aikit = require "aikit"
return aikit.workflow { id = "sums" }
  :branch {
    id = "size",
    resolve = function(input) return input.n > 9 and "larg" or "small" end,
    cases = {
      large = { { id = "big", handler = function(input) return math.floor(inptu.n) end } },
      small = { { id = "little", handler = function(input) total = input.n return total end } },
    },
  }
  :commit()
