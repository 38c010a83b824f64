-- `test.mcp`: tools of MCP servers in the test that runs, without a server.
local bridge, part = ...
local errors, objects, slots = part "errors", part "objects", part "slots"
local core = part "schema_core"
local ipairs, setmetatable, type = ipairs, setmetatable, type
local misuse = errors.misuse

local TOOL_FIELDS = { "description", "input_schema", "call" }

local methods = {}
local class = objects.class("MCP server's answers", methods, {})

--- The calls that were made since the tools were set, as a list of `{ server, operation, name?, arguments? }`.
function methods:requests()
  if not objects.state(self, class) then misuse("call it with a colon: answers:requests()") end
  return bridge.request "test.mcp_requests"
end

local function tool_of(name, given)
  local what = "test.mcp: tool '" .. name .. "'"
  if type(given) == "function" then given = { call = given } end
  if type(given) ~= "table" or objects.state(given) then
    misuse("%s is a function of its arguments or a table, got %s", what, errors.kind(given))
  end
  errors.known(given, TOOL_FIELDS, what)
  errors.expect(given.call, "function", "call = function(arguments) … end")
  local schema = { type = "object", properties = setmetatable({}, {}) }
  if given.input_schema then
    schema = part "schema_export"(core.expect_schema(given.input_schema, "input_schema = s.object { … }"))
  end
  return { name = name, description = given.description, input_schema = schema, slot = slots.slot(given.call) }
end

--- Answers the calls of MCP servers for the rest of the test: `{ tools = { add = function(arguments) … end } }`, or
--- `{ cassette = "NAME" }` for what was recorded.
return function(given)
  errors.expect(given, "table", 'test.mcp { tools = { add = function(arguments) … end } }')
  errors.known(given, { "tools", "cassette" }, "test.mcp")
  if (given.tools == nil) == (given.cassette == nil) then
    misuse("test.mcp takes `tools` or `cassette`: functions by the names of tools, or the name of a recording")
  end
  if given.cassette ~= nil then
    if type(given.cassette) ~= "string" then
      misuse("test.mcp: `cassette` takes the name of a recording, got %s", errors.kind(given.cassette))
    end
    bridge.request("test.mcp", { cassette = given.cassette })
    return objects.new(class, {})
  end
  local tools = part("host").array {}
  for _, name in ipairs(errors.names(errors.expect(given.tools, "table", "tools = { … }"))) do
    tools[#tools + 1] = tool_of(name, given.tools[name])
  end
  bridge.request("test.mcp", { tools = tools })
  return objects.new(class, {})
end
