local aikit = require "aikit"

return aikit.workflow {
    id = "narrow", description = "One run at a time for each tenant",
    concurrency = { limit = 1, key = function(input) return input.tenant end },
  }
  :step { id = "work", handler = function(input) aikit.sleep("5m") return input end }
  :commit()
