local aikit = require "aikit"
local s = aikit.schema

local model = aikit.model {
  provider = "openai", name = "gpt-5-mini", base_url = "http://127.0.0.1:18743/v1",
  retry = { max_attempts = 10, initial = "200ms" },
  limits = { concurrency = 2, requests_per_minute = 600, tokens_per_minute = 200000 },
}

return aikit.workflow { id = "documents" }
  :foreach {
    id = "each", concurrency = 8, on_error = "continue",
    items = function(input) return input.documents end,
    step = {
      id = "label",
      handler = function(document)
        local answer = model:generate {
          prompt = "Which language is this? " .. document,
          output_schema = s.object { language = s.string() },
        }
        return answer.object.language
      end,
    },
    collect = function(results, _, errors) return { languages = results, failed = #errors } end,
  }
  :commit()
