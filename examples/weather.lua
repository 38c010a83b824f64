-- A weather briefing over real HTTP: two requests, a retry policy, and a branch on what the wind does.
--
--   aikit-lua run examples/weather.lua --allow-net --input '{"city": "Nantes"}'
--
-- The services are in ctx, so that a test (or a mirror) can stand in for them:
--   --ctx '{"geocoding": "http://127.0.0.1:8080", "forecast": "http://127.0.0.1:8080"}'
local aikit = require "aikit"
local s = aikit.schema

--- The JSON that a service answers; what it refuses for good is not asked again.
local function get(url, query)
  local response = aikit.http.get(url, { query = query, timeout = "10s" })
  if not response.ok then
    aikit.fail {
      code = "weather_service", message = "HTTP " .. response.status .. " from " .. url,
      retryable = response.status >= 500,
    }
  end
  return response:json()
end

local place = s.object { name = s.string(), latitude = s.number(), longitude = s.number() }

local locate = aikit.step {
  id = "locate",
  description = "Find where the city is",
  output_schema = place,
  retry = { max_attempts = 3, backoff = "exponential", initial = "200ms" },
  handler = function(input, context)
    local found = get(context.ctx.geocoding .. "/v1/search", { name = input.city, count = 1 })
    local first = found.results and found.results[1]
    if not first then
      aikit.fail { code = "unknown_city", message = "no city is called " .. input.city, retryable = false }
    end
    return first
  end,
}

local observe = aikit.step {
  id = "observe",
  description = "Ask for the weather there",
  input_schema = place,
  output_schema = s.object { city = s.string(), celsius = s.number(), wind = s.number() },
  retry = { max_attempts = 3, backoff = "exponential", initial = "200ms" },
  handler = function(input, context)
    local weather = get(context.ctx.forecast .. "/v1/forecast", {
      latitude = input.latitude, longitude = input.longitude, current = "temperature_2m,wind_speed_10m",
    })
    context:emit { type = "observed", data = weather.current }
    return { city = input.name, celsius = weather.current.temperature_2m, wind = weather.current.wind_speed_10m }
  end,
}

local function briefing(id, text)
  return aikit.step {
    id = id,
    handler = function(weather) return { text = text:format(weather.city, weather.celsius, weather.wind) } end,
  }
end

return aikit.workflow {
    id = "weather",
    description = "Weather briefing",
    input_schema = s.object { city = s.string():trim():min(1) },
    output_schema = s.object { text = s.string() },
    ctx = { geocoding = "https://geocoding-api.open-meteo.com", forecast = "https://api.open-meteo.com" },
  }
  :step(locate)
  :step(observe)
  :branch {
    id = "wind",
    resolve = function(weather) return weather.wind > 60 and "storm" or "calm" end,
    cases = {
      storm = briefing("warn", "STORM in %s: %.0f °C, gusts of %.0f km/h"),
      calm = briefing("inform", "%s: %.0f °C, wind %.0f km/h"),
    },
  }
  :commit()
