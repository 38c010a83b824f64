local aikit = require "aikit"
local s = aikit.schema

local model = aikit.model {
  provider = "openai", name = "gpt-5-mini", base_url = "http://127.0.0.1:18746/v1",
  parameters = { temperature = 0 },
  retry = { max_attempts = 8, backoff = "exponential", initial = "200ms", max = "1m" },
  limits = { concurrency = 4, requests_per_minute = 3000, tokens_per_minute = 2000000 },
  price = { input = 0.25, output = 2 },
}

local language = s.object { language = s.string():min(2) }

return aikit.workflow {
  id = "languages", description = "Says in which language each document is",
  input_schema = s.object { documents = s.array(s.string()) },
}
  :foreach {
    id = "each", concurrency = 16, on_error = "continue",
    items = function(input) return input.documents end,
    step = {
      id = "document",
      handler = function(document)
        if document == "" then aikit.fail { code = "empty", message = "the document is empty", retryable = false } end
        local answer = model:generate { prompt = "Which language is this? " .. document, output_schema = language }
        return answer.object.language
      end,
    },
    collect = function(languages, _, failures)
      local counts, failed = {}, aikit.array {}
      for _, name in ipairs(languages) do
        if name ~= aikit.null then counts[name] = (counts[name] or 0) + 1 end
      end
      for index, failure in ipairs(failures) do
        failed[index] = { document = failure.index, message = failure.message }
      end
      return { languages = counts, failed = failed }
    end,
  }
  :commit()
