local aikit = require "aikit"

return aikit.workflow {
    id = "report",
    schedules = {
      { id = "weekday", cron = "0 9 * * 1-5", timezone = "Europe/Oslo", input = { kind = "daily" }, catch_up = "2h" },
      { id = "heartbeat", every = "15m", input = { kind = "short" }, overlap = "skip" },
    },
  }
  :step { id = "write", handler = function(input) return "a " .. input.kind .. " report" end }
  :commit()
