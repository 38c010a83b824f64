local aikit = require "aikit"

local told = aikit.callback {
  url = "http://127.0.0.1:8058/runs",
  secret = aikit.secret "CALLBACK_SECRET",
}

return aikit.workflow { id = "nightly", on_success = told, on_failure = told }
  :step { id = "count", handler = function() return { rows = 3 } end }
  :commit()
