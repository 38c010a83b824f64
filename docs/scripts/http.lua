local aikit = require "aikit"
local s = aikit.schema

local stock = aikit.step {
  id = "stock",
  timeout = "10s",
  retry = { max_attempts = 8, backoff = "exponential", initial = "50ms" },
  input_schema = s.object { shop = s.string():url() },
  handler = function(input)
    -- Both requests are under way at the same time.
    local answers = aikit.all {
      apples = function() return aikit.http.get(input.shop .. "/apples.json", { timeout = "2s" }) end,
      pears = function() return aikit.http.get(input.shop .. "/pears.json", { timeout = "2s" }) end,
    }
    local counts = {}
    for name, answer in pairs(answers) do
      if not answer.ok then
        aikit.fail {
          code = "shop", message = ("%s: HTTP %d"):format(answer.url, answer.status),
          retryable = answer.status >= 500,
        }
      end
      counts[name] = answer:json().count
    end
    return counts
  end,
}

return aikit.workflow { id = "stock" }:step(stock):commit()
