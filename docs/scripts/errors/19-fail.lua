-- A handler gives up with an error that it describes
local aikit = require "aikit"
return aikit.workflow { id = "pay" }
  :step {
    id = "charge",
    handler = function()
      aikit.fail { code = "card_declined", message = "the card was declined", retryable = false }
    end,
  }
  :commit()
