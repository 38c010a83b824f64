-- An agent with a tool, whose model is the stand-in of the guides.
local aikit = require "aikit"
local s = aikit.schema

local search = aikit.tool {
  id = "search",
  description = "Search the staff handbook",
  input_schema = s.object { query = s.string():min(3) },
  handler = function() return { { page = 12, text = "Everyone has 25 days of leave a year." } } end,
}

return aikit.agent {
  id = "desk",
  description = "Answers questions about the handbook",
  model = aikit.model {
    provider = "openai", name = "gpt-5-mini", base_url = "http://127.0.0.1:18741/v1",
    price = { input = 0.25, output = 2 }, retry = { max_attempts = 3, initial = "200ms" },
  },
  instructions = "Answer in one sentence, and only from the handbook.",
  prompt = function(input) return input.question end,
  tools = { search },
  max_turns = 6,
}
