-- `test.model`: answers for the calls of models in the test that runs. No call leaves the machine.
local bridge, part = ...
local errors, objects, slots = part "errors", part "objects", part "slots"
local checked = part "checked"
local ipairs, type = ipairs, type
local misuse = errors.misuse

local FIELDS = {
  text = "any", json = "any", reasoning = "text", tool_calls = "table", finish_reason = "text", usage = "table",
  error = "any", deltas = "table", vectors = "table",
}
local CALL_FIELDS = { "id", "name", "arguments" }

local methods = {}
local class = objects.class("model's answers", methods, {})

--- The calls that were made since the answers were set, as a list of
--- `{ model, provider, messages, tools, output_schema, parameters, … }`.
function methods:requests()
  if not objects.state(self, class) then misuse("call it with a colon: answers:requests()") end
  return bridge.request "test.model_requests"
end

--- One answer in the form in which the host gives it.
local function answer(given, what)
  if type(given) == "string" then given = { text = given } end
  if type(given) ~= "table" then misuse("%s is text or a table, got %s", what, errors.kind(given)) end
  checked.options(given, FIELDS, what)
  local result = checked.copy(given)
  if given.json ~= nil then result.text = bridge.encode_json(given.json) end
  if type(given.error) == "string" then result.error = { message = given.error } end
  for index, call in ipairs(given.tool_calls or {}) do
    errors.known(call, CALL_FIELDS, what .. ": tool_calls")
    if index == 1 then result.tool_calls = {} end
    local arguments = call.arguments == nil and {} or call.arguments
    result.tool_calls[index] = {
      id = call.id or "call-" .. index, name = call.name,
      arguments = type(arguments) == "string" and arguments or bridge.encode_json(arguments),
    }
  end
  return result
end

local function entry_of(key, given, what)
  if type(given) == "table" and given.cassette ~= nil then
    errors.known(given, { "cassette" }, what)
    if type(given.cassette) ~= "string" then
      misuse("%s: `cassette` takes the name of a recording, got %s", what, errors.kind(given.cassette))
    end
    return { model = key, cassette = given.cassette }
  end
  if type(given) == "function" then
    return { model = key, slot = slots.slot(function(made) return answer(given(made), what) end) }
  end
  if type(given) ~= "table" or objects.state(given) then
    misuse("test.model takes a list of answers or a function%s, got %s", key and " for '" .. key .. "'" or "",
      errors.kind(given))
  end
  errors.count(given, what)
  local list = {}
  for index, one in ipairs(given) do
    local name = what .. "[" .. index .. "]"
    if type(one) == "function" then
      list[index] = { slot = slots.slot(function(made) return answer(one(made), name) end) }
    else
      list[index] = { answer = answer(one, name) }
    end
  end
  return { model = key, answers = part("host").array(list) }
end

--- Answers the calls of models for the rest of the test: `{ answer, … }` one after the other, a function for all, or
--- either by the name of the model. `{ cassette = "NAME" }` stands for what was recorded.
return function(given)
  local entries = {}
  local is_for_all = type(given) == "table" and (given[1] ~= nil or type(given.cassette) == "string")
  if type(given) == "function" or is_for_all then
    entries[1] = entry_of(nil, given, "test.model: answers")
  else
    for _, name in ipairs(errors.names(errors.expect(given, "table", 'test.model { { text = "…" } }'))) do
      entries[#entries + 1] = entry_of(name, given[name], "test.model: answers of " .. name)
    end
  end
  bridge.request("test.model", part("host").array(entries))
  return objects.new(class, {})
end
