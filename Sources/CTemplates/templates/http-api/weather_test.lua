-- Run the tests:  aikit-lua test
-- No request leaves the machine; `aikit-lua test --record` keeps the answers of requests that no stub answers.
local weather = require "weather"

local GEOCODING = "GET https://geocoding-api.open-meteo.com/v1/search"
local FORECAST = "GET https://api.open-meteo.com/v1/forecast"
local OSLO = { json = { results = { { name = "Oslo", latitude = 59.91, longitude = 10.75 } } } }

describe("weather", function()
  it("reports a calm day", function()
    local http = test.http { [GEOCODING] = OSLO, [FORECAST] = { json = { current = { wind_speed_10m = 12.5 } } } }
    local run = test.run(weather, { input = { city = "Oslo" } })
    expect(run):succeeds { text = "Oslo: 12.5 km/h" }
    expect(run):emitted { type = "measured", data = { city = "Oslo" } }
    expect(http:requests()[2].url):contains "latitude=59.91"
  end)

  it("warns of a storm", function()
    -- A step that is mocked asks nobody.
    local run = test.run(weather, {
      input = { city = "Oslo" },
      mocks = { locate = OSLO.json.results[1], measure = { city = "Oslo", wind = 104 } },
    })
    expect(run):succeeds { text = "Storm in Oslo: 104 km/h" }
    expect(run):ran "risk/warn"
  end)

  it("tries again when the service is busy", function()
    local http = test.http {
      [GEOCODING] = { { status = 503 }, { error = "connection reset" }, OSLO },
      [FORECAST] = { json = { current = { wind_speed_10m = 3 } } },
    }
    expect(test.run(weather, { input = { city = "Oslo" } })):succeeds()
    expect(http:requests()):has_length(4)
  end)

  it("gives up at once on a city that is not there", function()
    local http = test.http { [GEOCODING] = { json = { results = {} } } }
    expect(test.run(weather, { input = { city = "Nowhere" } })):fails_with { code = "unknown_city" }
    expect(http:requests()):has_length(1)
  end)
end)
