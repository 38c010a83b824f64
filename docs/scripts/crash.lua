local aikit = require "aikit"

return aikit.workflow { id = "report" }
  :step { id = "collect", handler = function() print "collects" return { rows = 3 } end }
  :step {
    id = "upload",
    handler = function(report, context)
      print("uploads with key " .. context.idempotency_key)
      aikit.sleep(report.rows / 10)
      return { uploaded = report.rows }
    end,
  }
  :commit()
