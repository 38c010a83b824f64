local aikit = require "aikit"
local s = aikit.schema

local measure = aikit.step {
  id = "measure",
  input_schema = s.object { name = s.string(), readings = s.array(s.number()):min(1) },
  handler = function(station)
    local sum = 0
    for _, reading in ipairs(station.readings) do sum = sum + reading end
    return { name = station.name, mean = sum / #station.readings }
  end,
}

return aikit.workflow { id = "stations" }
  :foreach {
    id = "stations",
    items = function(input) return input.stations end,
    step = measure,
    concurrency = 8,
    collect = function(results)
      table.sort(results, function(a, b) return a.mean > b.mean end)
      return { warmest = results[1] and results[1].name, stations = aikit.array(results) }
    end,
  }
  :commit()
