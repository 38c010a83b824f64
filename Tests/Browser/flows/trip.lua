-- The flight fails, so what was booked before is undone.
local aikit = require "aikit"

local function book(what, undo)
  return aikit.step { id = what, handler = function(trip) return trip end, compensate = undo }
end

return aikit.workflow { id = "trip", description = "Undoes what it booked" }
  :step(book("hotel", function() end))
  :step(book("car", function() error("the office is closed", 0) end))
  :step { id = "flight", handler = function() aikit.fail { message = "no flight left", retryable = false } end }
  :commit()
