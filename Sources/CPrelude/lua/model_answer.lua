-- Answers of models as values: JSON in a text, checked against a schema, and made to fit where that is no guess.
local bridge, part = ...
local errors, objects = part "errors", part "objects"
local core, validate = part "schema_core", part "validate"
local find, gsub, lower, match, sub = string.find, string.gsub, string.lower, string.match, string.sub
local ipairs, pairs, pcall, type = ipairs, pairs, pcall, type

local answer = {}

--- The JSON in a text: the whole of it, what stands in a block of code, or from its first brace to its last.
local function json_in(text)
  local ok, value = pcall(bridge.decode_json, text)
  if ok then return true, value end
  local why = errors.text(value)
  local block = match(text, "```%w*%s*(.-)```")
  if block then
    ok, value = pcall(bridge.decode_json, block)
    if ok then return true, value end
  end
  local first, last = find(text, "[{%[]"), find(text, "[}%]][^}%]]*$")
  if first and last and last > first then
    ok, value = pcall(bridge.decode_json, sub(text, first, last))
    if ok then return true, value end
  end
  return false, why
end

--- A key without what languages write differently: `firstName`, `first-name` and `first_name` are one.
local function plain(key) return (gsub(lower(key), "[%s_%-]", "")) end

--- A copy of a value with its keys as the schema spells them, where they differ in case or separators alone.
local function respelt(value, schema)
  local state = type(value) == "table" and objects.state(schema)
  if not state or not state.json then return value end
  local json = state.json
  if json.items then
    local list = {}
    for index, item in ipairs(value) do list[index] = respelt(item, json.items) end
    return part("host").array(list)
  end
  if not json.properties then return value end
  local names, result = {}, {}
  for name in pairs(json.properties) do names[plain(name)] = name end
  for key, item in pairs(value) do
    local name = key
    if type(key) == "string" and json.properties[key] == nil then
      local meant = names[plain(key)]
      if meant and value[meant] == nil then name = meant end
    end
    result[name] = respelt(item, json.properties[name])
  end
  return result
end

--- How a schema is asked for: `{ schema, name, wraps }` for providers that hold a model to it, or `{ text }` to be said
--- in words where their form cannot say it.
function answer.format(schema, mode)
  local export = part "schema_export"
  local narrow, strict = pcall(export, schema, "strict")
  if mode == "prompt" or not narrow then
    return { text = "Answer with JSON alone, which fits this JSON Schema: " .. bridge.encode_json(export(schema)) }
  end
  if strict.type == "object" then return { schema = strict } end
  -- Providers take objects only.
  local defs = strict["$defs"]
  strict["$defs"] = nil
  return {
    wraps = true,
    schema = {
      type = "object", properties = { value = strict }, required = part("host").array { "value" },
      additionalProperties = false, ["$defs"] = defs,
    },
  }
end

--- Reads an answer by a schema: true and the value, or false and what is wrong with it.
function answer.fit(text, schema, format)
  local ok, value = json_in(text)
  if not ok then return false, "the answer is no JSON: " .. value end
  if format.wraps and type(value) == "table" then value = value.value end
  local verdict = validate(schema, value)
  if not verdict.success then
    local second = validate(schema, respelt(value, schema))
    if second.success then return true, second.data end
    return false, verdict.message
  end
  return true, verdict.data
end

--- What is said to a model whose answer does not fit.
function answer.complaint(problem)
  return "Your answer cannot be used: " .. problem .. "\nAnswer again, with the whole corrected JSON and nothing else."
end

answer.expect_schema = core.expect_schema

return answer
