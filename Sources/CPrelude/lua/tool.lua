-- `aikit.tool`: what a model may call, with the schema that its arguments have to fit.
local bridge, part = ...
local errors, objects, checked = part "errors", part "objects", part "checked"
local core, validate = part "schema_core", part "validate"
local getmetatable, ipairs, pcall, setmetatable, type = getmetatable, ipairs, pcall, setmetatable, type
local match = string.match
local misuse = errors.misuse

local FIELDS = {
  id = "text", description = "text", input_schema = "table", output_schema = "table", handler = "function",
  step = "table", retry = "table", timeout = "any",
}

local tool = {}
local class = objects.class("tool", {}, { id = true, description = true })

--- `aikit.tool {…}`: a function, or any node of a workflow, that models may call.
function tool.new(config)
  errors.no_colon(config, "tool")
  if type(config) ~= "table" or objects.state(config) then
    misuse("aikit.tool takes one table, got %s: write aikit.tool { id = \"…\", handler = … }", errors.kind(config))
  end
  checked.options(config, FIELDS, "aikit.tool")
  local id = config.id
  if not id then misuse('aikit.tool needs an id: write aikit.tool { id = "search", … }') end
  if not match(id, "^[%w_%-]+$") or #id > 64 then
    misuse("aikit.tool: models know '%s' by its id, which has letters, digits, '_' and '-', 64 at most", id)
  end
  if (config.handler == nil) == (config.step == nil) then
    misuse("tool '%s' takes `handler` or `step`: a function, or a node that is run with the arguments", id)
  end
  if config.step and (config.retry or config.timeout or config.output_schema) then
    misuse("tool '%s': what its `step` retries, and how long it may take, is said by the step", id)
  end
  return objects.new(class, {
    id = id, description = config.description, config = checked.copy(config), where = bridge.where(1),
    schema = config.input_schema and core.expect_schema(config.input_schema, "input_schema = s.object { … }"),
  })
end

--- The state of a tool; nil for every other value.
function tool.state(value) return objects.state(value, class) end

--- A list of tools by their ids; each is a tool, or the table of one. Servers of tools stand in a list of their own.
function tool.list(given, what)
  local list, by_id, servers = {}, {}, {}
  errors.count(given or {}, what .. ": `tools`")
  for index, value in ipairs(given or {}) do
    local server = objects.state(value) and part("mcp").state(value)
    if server then
      servers[#servers + 1] = server
      goto continue
    end
    if type(value) == "table" and not objects.state(value) then value = tool.new(value) end
    local state = tool.state(value)
    if not state then
      misuse("%s: tools[%d] is %s, not a tool: write aikit.tool { … }", what, index, errors.kind(value))
    end
    if by_id[state.id] then misuse("%s has two tools '%s'", what, state.id) end
    list[#list + 1], by_id[state.id] = state, state
    ::continue::
  end
  return list, by_id, servers
end

--- How a model is told of a tool.
function tool.spec(state)
  local schema, is_strict = { type = "object", properties = setmetatable({}, {}) }, false
  if state.schema then
    local export = part "schema_export"
    local narrow, strict = pcall(export, state.schema, "strict")
    is_strict, schema = narrow and strict.type == "object", narrow and strict or export(state.schema)
  end
  return { name = state.id, description = state.description or "", schema = schema, strict = is_strict or nil }
end

--- The arguments of a call as the tool gets them; nil and why they cannot be used.
--
-- `text` is JSON as the model wrote it.
function tool.arguments(state, text)
  local ok, value = pcall(bridge.decode_json, match(text, "%S") and text or "{}")
  if not ok then return nil, "the arguments are no JSON: " .. errors.text(value) end
  if type(value) ~= "table" or getmetatable(value) == "array" then return nil, "the arguments are no JSON object" end
  if not state.schema then return value end
  local verdict = validate(state.schema, value)
  if verdict.success then return verdict.data end
  return nil, "the arguments do not fit the tool: " .. verdict.message
end

return tool
