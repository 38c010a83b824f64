-- Asks a public API for the wind in a city, and warns of storms. Run it:
--   aikit-lua run weather.lua --input @input.json --allow-net=geocoding-api.open-meteo.com,api.open-meteo.com
local aikit = require "aikit"
local s = aikit.schema

-- What is wrong with an answer, and whether another try may help.
local function check(answer, what)
  if answer.ok then return answer:json() end
  return aikit.fail {
    code = "http_" .. answer.status,
    message = what .. ": HTTP " .. answer.status,
    retryable = answer.status >= 500 or answer.status == 429,
  }
end

local locate = aikit.step {
  id = "locate",
  description = "Find where the city lies",
  output_schema = s.object { name = s.string(), latitude = s.number(), longitude = s.number() },
  retry = { max_attempts = 3, backoff = "exponential", initial = "500ms" },
  timeout = "10s",
  handler = function(input, context)
    local found = check(aikit.http.get(context.ctx.geocoding .. "/v1/search", {
      query = { name = input.city, count = 1 },
    }), "looking for " .. input.city)
    local place = found.results and found.results[1]
    if not place then
      aikit.fail { code = "unknown_city", message = "there is no city '" .. input.city .. "'", retryable = false }
    end
    return place
  end,
}

local measure = aikit.step {
  id = "measure",
  description = "Ask for the wind there",
  output_schema = s.object { city = s.string(), wind = s.number() },
  retry = { max_attempts = 3, backoff = "exponential", initial = "500ms" },
  timeout = "10s",
  handler = function(place, context)
    local answer = check(aikit.http.get(context.ctx.weather .. "/v1/forecast", {
      query = { latitude = place.latitude, longitude = place.longitude, current = "wind_speed_10m" },
    }), "asking for the weather")
    context:emit { type = "measured", data = { city = place.name } }
    return { city = place.name, wind = answer.current.wind_speed_10m }
  end,
}

return aikit.workflow {
    id = "weather",
    description = "The wind in a city",
    input_schema = s.object { city = s.string():trim():min(1) },
    output_schema = s.object { text = s.string() },
    -- Where the services are; a run may bring others: --ctx '{"weather": "http://localhost:8080"}'
    ctx = { geocoding = "https://geocoding-api.open-meteo.com", weather = "https://api.open-meteo.com" },
  }
  :step(locate)
  :step(measure)
  :branch {
    id = "risk",
    resolve = function(weather) return weather.wind > 75 and "storm" or "calm" end,
    cases = {
      storm = { aikit.step {
        id = "warn",
        handler = function(weather) return { text = ("Storm in %s: %g km/h"):format(weather.city, weather.wind) } end,
      } },
      calm = { aikit.step {
        id = "report",
        handler = function(weather) return { text = ("%s: %g km/h"):format(weather.city, weather.wind) } end,
      } },
    },
  }
  :commit()
