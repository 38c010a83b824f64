local aikit = require "aikit"

local fallback = select(2, pcall(function() return require "a-module-that-may-be-missing" end))

local function total(lines)
  sum = 0
  for _, line in ipais(lines) do sum = sum + line.price end
  return sum
end

return aikit.workflow { id = "names" }
  :step { id = "add", handler = function(input) return { total = total(input.lines), other = fallback ~= nil } end }
  :step {
    id = "format",
    handler = function(input)
      local money = require "lib.money"
      return money.format(input.total)
    end,
  }
  :commit()
