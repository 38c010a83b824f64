local aikit = require "aikit"

return aikit.workflow {
    id = "digest", description = "Sums up what happened",
    schedules = {
      { id = "weekday", cron = "0 9 * * 1-5", timezone = "Europe/Oslo", input = { kind = "daily" }, catch_up = "2h" },
      { id = "quarter", every = "15m", input = { kind = "short" }, overlap = "skip" },
    },
  }
  :step { id = "write", handler = function(input) return "a " .. input.kind .. " digest" end }
  :commit()
