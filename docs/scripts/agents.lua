local aikit = require "aikit"
local s = aikit.schema

local model = aikit.model {
  provider = "openai",
  name = "gpt-5-mini",
  base_url = "http://127.0.0.1:18741/v1", -- the stand-in of this guide
  retry = { max_attempts = 10, initial = "200ms" },
  price = { input = 0.25, output = 2, cached_input = 0.025 },
}

local search = aikit.tool {
  id = "search",
  description = "Search the staff handbook",
  input_schema = s.object { query = s.string():min(3) },
  handler = function(input)
    print("searches for " .. input.query)
    return { { page = 12, text = "Everyone has 25 days of leave a year." } }
  end,
}

return aikit.agent {
  id = "help",
  description = "Answers questions about the handbook",
  model = model,
  instructions = "Answer in one sentence, and only from the handbook.",
  prompt = function(input) return input.question end,
  tools = { search },
  max_turns = 6,
  budget = { tokens = 20000, cost = 0.05, time = "2m" },
}
