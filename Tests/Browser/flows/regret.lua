-- Fails, and does not come to the end of undoing what it did.
local aikit = require "aikit"

return aikit.workflow { id = "regret", description = "Books, fails and undoes for hours" }
  :step {
    id = "book",
    handler = function() return { seat = "7A" } end,
    compensate = function() error("the airline does not answer", 0) end,
    retry = { max_attempts = 3, initial = "1h" },
  }
  :step { id = "pay", handler = function() error("no money", 0) end }
  :commit()
