local aikit = require "aikit"

return aikit.workflow { id = "notify", metadata = { team = "ops" } }
  :step {
    id = "notify-team",
    handler = function(_, context)
      context:emit { type = "notification", data = { channel = "chat" } }
      context:update_metadata(function(m) m.notified = true; return m end)
      return { status = "sent" }
    end,
  }
  :commit()
