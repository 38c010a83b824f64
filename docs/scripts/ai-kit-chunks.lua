local aikit = require "aikit"

local cut = aikit.step {
  id = "cut",
  handler = function(input)
    local chunks = aikit.array()
    for sentence in input.text:gmatch "[^.]+" do chunks[#chunks + 1] = sentence end
    return chunks
  end,
}
local size = aikit.step { id = "size", handler = function(chunk) return #chunk end }
local tags = aikit.step {
  id = "tags",
  handler = function(chunk)
    local words = aikit.array()
    for word in chunk:gmatch "%a%a%a%a%a+" do words[#words + 1] = word:lower() end
    return words
  end,
}

return aikit.workflow { id = "chunks" }
  :step(cut)
  :foreach {
    id = "each",
    items = function(chunks) return chunks end,
    step = aikit.parallel { id = "look", branches = { size = size, tags = tags } },
    concurrency = 4,
  }
  :commit()
