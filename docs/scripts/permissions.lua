local aikit = require "aikit"

return aikit.workflow { id = "report" }
  :step {
    id = "read",
    handler = function()
      local stations = {}
      for row in aikit.csv.rows(aikit.fs.read "report/stations.csv", { header = true }) do
        stations[#stations + 1] = row
      end
      return { stations = stations }
    end,
  }
  :step {
    id = "write",
    handler = function(input)
      local text = aikit.text.template([[
{{title}}
{{#stations}}
- {{name}} in {{city}}
{{/stations}}]], { title = "Stations", stations = input.stations })
      aikit.fs.write("report/stations.md", text)
      local counted = aikit.exec { "wc", "-l", stdin = text }
      return { lines = tonumber(counted.stdout), digest = aikit.crypto.sha256(text) }
    end,
  }
  :commit()
