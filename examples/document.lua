-- What a document is about: chunks, analysed beside each other, boiled down to a few keywords.
--
--   aikit-lua run examples/document.lua --input @examples/data/lighthouses.json
--
-- A text of your own goes in as {"title": "…", "text": "…"}:
--   jq -Rs '{text: .}' notes.md | aikit-lua run examples/document.lua --input -
local aikit = require "aikit"
local s = aikit.schema

local WORDS_PER_CHUNK = 120
local WORDS_PER_MINUTE = 220

local COMMON = {}
for word in ([[
  about above after again all also and any are because been before being between both but can could did does down each
  even every few first for from had has have her here him his how into its just like made make many may more most much
  must never not now off old once one only other our out over own same she should since some still such than that the
  their them then there these they this those through too two under until upon very was were what when where which
  while who why will with without would you your
]]):gmatch "%a+" do COMMON[word] = true end

local function count_words(text)
  local _, count = text:gsub("%S+", "")
  return count
end

local chunk = aikit.step {
  id = "chunk",
  description = "Cut the text into chunks of whole paragraphs",
  handler = function(input)
    local text = type(input.text) == "table" and table.concat(input.text, "\n\n") or input.text
    local chunks, current = {}, nil
    for paragraph in (text .. "\n\n"):gmatch "%s*(.-)\n%s*\n" do
      if paragraph ~= "" then
        if not current or count_words(current.text) + count_words(paragraph) > WORDS_PER_CHUNK then
          current = { number = #chunks + 1, text = paragraph }
          chunks[current.number] = current
        else
          current.text = current.text .. "\n\n" .. paragraph
        end
      end
    end
    return { chunks = aikit.array(chunks) }
  end,
}

local keywords = aikit.step {
  id = "keywords",
  description = "Count the words that carry meaning",
  handler = function(input)
    local counts = {}
    for word in input.text:lower():gmatch "%a[%a'-]+%a" do
      if not COMMON[word] then counts[word] = (counts[word] or 0) + 1 end
    end
    return counts
  end,
}

local statistics = aikit.step {
  id = "statistics",
  description = "Count words and sentences",
  output_schema = s.object { words = s.integer(), sentences = s.integer() },
  handler = function(input, context)
    local _, sentences = input.text:gsub("[.!?]+%f[%s\0]", "")
    context:emit { type = "chunk", data = { number = input.number, sentences = sentences } }
    return { words = count_words(input.text), sentences = math.max(sentences, 1) }
  end,
}

--- One result for the whole document: the totals, and every keyword with its count.
local function merge(results)
  local total = { words = 0, sentences = 0, chunks = #results, keywords = {}, at_least = 1 }
  for _, result in ipairs(results) do
    total.words = total.words + result.statistics.words
    total.sentences = total.sentences + result.statistics.sentences
    for word, count in pairs(result.keywords) do total.keywords[word] = (total.keywords[word] or 0) + count end
  end
  return total
end

local function size(set)
  local count = 0
  for _ in pairs(set) do count = count + 1 end
  return count
end

local narrow = aikit.step {
  id = "narrow",
  description = "Drop the rarest keywords",
  handler = function(total)
    total.at_least = total.at_least + 1
    for word, count in pairs(total.keywords) do
      if count < total.at_least then total.keywords[word] = nil end
    end
    return total
  end,
}

--- A step that describes the document in a way of its own.
local function describe(id, style)
  return aikit.step {
    id = id,
    handler = function(total, context)
      local words = {}
      for word in pairs(total.keywords) do words[#words + 1] = word end
      table.sort(words, function(a, b)
        local more, less = total.keywords[a], total.keywords[b]
        return more > less or more == less and a < b
      end)
      return {
        title = context.initial_input.title, style = style, keywords = aikit.array(words),
        words = total.words, sentences = total.sentences, chunks = total.chunks,
        minutes = math.ceil(total.words / WORDS_PER_MINUTE),
      }
    end,
  }
end

return aikit.workflow {
    id = "document",
    description = "Keywords and figures of a document",
    input_schema = s.object {
      title = s.string():default "Untitled",
      text = s.union { s.string():min(1), s.array(s.string()):min(1) },
    },
    output_schema = s.object {
      title = s.string(), style = s.enum { "terse", "flowing" }, keywords = s.array(s.string()),
      words = s.integer(), sentences = s.integer(), chunks = s.integer(), minutes = s.integer(),
    },
  }
  :step(chunk)
  :foreach {
    id = "analyse",
    items = function(input) return input.chunks end,
    step = aikit.parallel { id = "measure", branches = { keywords = keywords, statistics = statistics } },
    concurrency = 4,
    collect = merge,
  }
  :loop {
    id = "boil-down",
    step = narrow,
    condition = function(total) return size(total.keywords) > 12 end,
    max_iterations = 100,
    -- A text so short that nothing had to go leaves no results.
    collect = function(results, context) return results[#results] or context.input end,
  }
  :branch {
    id = "style",
    resolve = function(total) return total.words / total.sentences < 14 and "terse" or "flowing" end,
    cases = { terse = describe("describe-terse", "terse"), flowing = describe("describe-flowing", "flowing") },
  }
  :commit()
