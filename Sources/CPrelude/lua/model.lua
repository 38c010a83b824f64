-- `aikit.model`: a model at a provider, and the calls that handlers make of it.
local bridge, part = ...
local errors, objects, checked = part "errors", part "objects", part "checked"
local error, getmetatable, ipairs, pcall, type = error, getmetatable, ipairs, pcall, type
local misuse, request = errors.misuse, bridge.request

local PROVIDERS = { "openai", "anthropic" }

local FIELDS = {
  provider = PROVIDERS, name = "text", base_url = "text", api_key = "any", headers = "table", parameters = "table",
  timeout = "duration", cache = "duration", structured_output = { "schema", "prompt" },
  retry = {
    max_attempts = "count", backoff = { "constant", "linear", "exponential" }, initial = "duration", max = "duration",
    factor = "number", jitter = "number",
  },
  limits = { concurrency = "count", requests_per_minute = "count", tokens_per_minute = "count" },
  price = { input = "number", output = "number", cached_input = "number" },
}

local GENERATE = {
  prompt = "any", messages = "table", instructions = "text", tools = "table", tool_choice = "text",
  output_schema = "table", parameters = "table", record = "boolean", repair = "whole",
}

local STREAM = checked.copy(GENERATE)
STREAM.on_delta = "function"

local methods = {}
local class = objects.class("model", methods, { name = true, provider = true })

local model = {}

--- What a key or a header is sent as: text, or the mark of a secret.
local function sent(value, what)
  if type(value) == "string" then return value end
  if type(value) == "table" and getmetatable(value) == "secret" then return part("secret").mark(value) end
  return misuse('aikit.model: %s takes text or aikit.secret "NAME", got %s', what, errors.kind(value))
end

--- `aikit.model {…}`: describes a model; nothing is asked of it before a step does.
function model.new(config)
  errors.no_colon(config, "model")
  if type(config) ~= "table" or objects.state(config) then
    misuse("aikit.model takes one table, got %s: write aikit.model { provider = \"openai\", name = \"…\" }",
      errors.kind(config))
  end
  checked.options(config, FIELDS, "aikit.model")
  for _, key in ipairs { "provider", "name" } do
    if config[key] == nil then
      misuse('aikit.model needs `%s`: write aikit.model { provider = "openai", name = "gpt-5-mini" }', key)
    end
  end
  local asked = checked.copy(config)
  asked.structured_output = nil
  if config.api_key ~= nil then asked.api_key = sent(config.api_key, "`api_key`") end
  if config.headers then
    asked.headers = {}
    for name, value in errors.each(config.headers) do
      asked.headers[name] = sent(value, "the header '" .. name .. "'")
    end
  end
  return objects.new(class, {
    name = config.name, provider = config.provider, asked = asked, structured_output = config.structured_output,
  })
end

--- The state of a model; nil for every other value.
function model.state(value) return objects.state(value, class) end

-- Messages ---------------------------------------------------------------------------------------------------------

local ROLES = { system = true, user = true, assistant = true, tool = true }

--- The messages that a prompt stands for: a text, or a list of messages, which is checked.
function model.messages(prompt, what)
  if type(prompt) == "string" then return { { role = "user", content = prompt } } end
  if type(prompt) ~= "table" then
    misuse("%s: a prompt is text or a list of messages, got %s", what, errors.kind(prompt))
  end
  errors.count(prompt, what .. ": a prompt that is a table")
  local list = {}
  for index, message in ipairs(prompt) do
    if type(message) ~= "table" or not ROLES[message.role] then
      misuse('%s: messages[%d] has no role: write { role = "user", content = "…" }', what, index)
    end
    list[index] = message
  end
  if #list == 0 then misuse("%s: there are no messages", what) end
  return list
end

-- Calls ------------------------------------------------------------------------------------------------------------

--- Asks the host for one call of a model.
function model.ask(state, call)
  call.model = state.asked
  return request("model", call)
end

local streams = 0

--- The same, with `on_delta` called for each piece of the answer while it comes.
local function ask_aloud(state, call, on_delta)
  streams = streams + 1
  local key, answer = streams, nil
  call.deltas = key
  bridge.all {
    function()
      local ok, result = pcall(model.ask, state, call)
      request("deltas.end", key)
      if not ok then error(result, 0) end
      answer = result
    end,
    function()
      local pieces = request("deltas", key)
      while pieces do
        for _, piece in ipairs(pieces) do on_delta(piece) end
        pieces = request("deltas", key)
      end
    end,
  }
  return answer
end

--- Does what is to be recorded once for the step, under a name that the host numbers.
local function recorded(options, body)
  if options.record == false then return body() end
  return part("once").run({ prefix = "model" }, body)
end

local function expect_state(self, method)
  local state = model.state(self)
  if not state then misuse("call it with a colon: model:%s { … }", method) end
  return state
end

local function generate(self, method, options, fields)
  local state = expect_state(self, method)
  local what = "model:" .. method
  if type(options) == "string" then options = { prompt = options } end
  checked.options(errors.expect(options, "table", what .. ' { prompt = "…" }'), fields, what)
  if (options.prompt == nil) == (options.messages == nil) then misuse("%s takes `prompt` or `messages`", what) end
  local messages = checked.copy(model.messages(options.prompt or options.messages, what))
  local specs
  local tools, _, servers = part("tool").list(options.tools, what)
  if servers[1] then misuse("%s takes tools, and agents take servers of tools as well", what) end
  for index, tool in ipairs(tools) do
    specs = specs or {}
    specs[index] = part("tool").spec(tool)
  end
  local answers = part "model_answer"
  local schema = options.output_schema
    and answers.expect_schema(options.output_schema, "output_schema = s.object { … }")
  local format = schema and answers.format(schema, state.structured_output)
  if format and format.text then table.insert(messages, 1, { role = "system", content = format.text }) end
  if options.instructions then table.insert(messages, 1, { role = "system", content = options.instructions }) end

  local secrets = part("secret_schemas").of_answers(schema, format, tools)
  -- What the script does not want to be recorded is not kept for its secrets' sake.
  if secrets and options.record == false then secrets.unrecorded = true end
  local call = {
    secrets = secrets, tools = specs, tool_choice = options.tool_choice, parameters = options.parameters,
    output_schema = format and format.schema, stream = method == "stream" or nil,
  }
  for left = options.repair or 2, 0, -1 do
    local answer = recorded(options, function()
      call.messages = messages
      if options.on_delta then return ask_aloud(state, call, options.on_delta) end
      return model.ask(state, call)
    end)
    if not schema or #answer.tool_calls > 0 then return answer end
    local ok, value = answers.fit(answer.text, schema, format)
    if ok then
      answer.object = value
      return answer
    end
    if left == 0 then
      part("host").fail {
        code = "invalid_answer", message = "the answer of " .. state.name .. " does not fit: " .. value,
        retryable = false, details = { answer = answer.text },
      }
    end
    messages[#messages + 1] = answer.message
    messages[#messages + 1] = { role = "user", content = answers.complaint(value) }
  end
end

--- Asks the model and gives its answer, which is recorded once for the step.
function methods:generate(options) return generate(self, "generate", options, GENERATE) end

--- The same; whoever watches the run is told of the answer while it is made.
function methods:stream(options) return generate(self, "stream", options, STREAM) end

--- The vectors of a list of texts, in their order.
function methods:embed(options)
  local state = expect_state(self, "embed")
  errors.expect(options, "table", 'model:embed { texts = { "…" } }')
  if options[1] ~= nil then options = { texts = options } end
  checked.options(options, { texts = "table", parameters = "table", record = "boolean" }, "model:embed")
  if type(options.texts) ~= "table" or #options.texts == 0 then misuse("model:embed takes `texts`, a list of texts") end
  errors.count(options.texts, "model:embed: `texts`")
  for index, text in ipairs(options.texts) do
    if type(text) ~= "string" then misuse("model:embed: texts[%d] is %s, not a text", index, errors.kind(text)) end
  end
  return recorded(options, function()
    return model.ask(state, { operation = "embed", texts = options.texts, parameters = options.parameters })
  end)
end

return model
