local aikit = require "aikit"

return aikit.workflow { id = "import", metadata = { source = "crm" } }
  :step {
    id = "read",
    handler = function(input, context)
      context:log("info", "reading", { rows = #input.rows })
      context:update_metadata(function(m) m.rows = #input.rows; return m end)
      return input.rows
    end,
  }
  :step {
    id = "clean",
    handler = function(rows, context)
      local kept = {}
      for number, row in ipairs(rows) do
        if row.email then
          kept[#kept + 1] = row
        else
          context:emit { type = "skipped", data = { row = number, reason = "no email" } }
        end
      end
      return { kept = #kept }
    end,
  }
  :commit()
