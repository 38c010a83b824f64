-- Several branches fail, and all are told
local aikit = require "aikit"
local function fails(message) return { id = "ask", handler = function() error(message, 0) end } end
return aikit.workflow { id = "ask-all" }
  :parallel {
    id = "sources",
    on_error = "wait-all",
    branches = { bank = { fails "the bank is closed" }, shop = { fails "the shop knows nothing" } },
  }
  :commit()
