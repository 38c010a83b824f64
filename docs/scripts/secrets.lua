local aikit = require "aikit"

local token = aikit.secret "API_TOKEN"

return aikit.workflow { id = "secrets" }
  :step {
    id = "call",
    handler = function(_, context)
      local answer = aikit.http.get("http://127.0.0.1:8049/", { headers = { authorization = token:bearer() } })
      context:log("info", "called", { token = tostring(token) })
      return { echoed = answer.body }
    end,
  }
  :commit()
