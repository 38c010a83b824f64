-- `aikit.mcp`: a server of the Model Context Protocol, whose tools handlers and agents call.
local bridge, part = ...
local errors, objects, checked = part "errors", part "objects", part "checked"
local concat, gsub, ipairs, pairs, sub, type = table.concat, string.gsub, ipairs, pairs, string.sub, type
local getmetatable, setmetatable, misuse = getmetatable, setmetatable, errors.misuse

local FIELDS = {
  command = "table", url = "text", headers = "table", env = "table", cwd = "text", allow = "table", prefix = "text",
  timeout = "duration",
}

-- How long a name of a tool may be that a model is told.
local NAME_LIMIT = 64

local mcp = {}
local methods = {}
local class = objects.class("MCP server", methods, {})

--- Texts by name with secrets as their marks.
local function sent(given, what)
  local texts = {}
  for name, value in errors.each(given) do
    if type(value) == "table" and getmetatable(value) == "secret" then
      value = part("secret").mark(value)
    elseif type(value) ~= "string" then
      misuse('aikit.mcp: %s takes text or aikit.secret "NAME" for \'%s\', got %s', what, errors.text(name),
        errors.kind(value))
    end
    texts[name] = value
  end
  return texts
end

--- `aikit.mcp {…}`: names a server; nothing is asked of it before a step does.
function mcp.new(config)
  errors.no_colon(config, "mcp")
  if type(config) ~= "table" or objects.state(config) then
    misuse('aikit.mcp takes one table, got %s: write aikit.mcp { command = { "server" } }', errors.kind(config))
  end
  checked.options(config, FIELDS, "aikit.mcp")
  if (config.command == nil) == (config.url == nil) then
    misuse("aikit.mcp takes `command` or `url`: a program with its arguments, or the address of a server")
  end
  local server = { url = config.url, cwd = config.cwd }
  if config.command then
    if #config.command == 0 then misuse('aikit.mcp: `command` takes a program and its arguments') end
    if config.headers then misuse("aikit.mcp: `headers` go with `url`") end
    errors.count(config.command, "aikit.mcp: `command`")
    server.command = {}
    for index, word in ipairs(config.command) do
      if type(word) ~= "string" then
        misuse("aikit.mcp: argument %d of `command` takes text, got %s", index, errors.kind(word))
      end
      server.command[index] = word
    end
    if config.env then server.env = sent(config.env, "`env`") end
  else
    if config.env or config.cwd then misuse("aikit.mcp: `env` and `cwd` go with `command`") end
    if config.headers then server.headers = sent(config.headers, "`headers`") end
  end
  local allowed
  if config.allow then
    allowed = {}
    errors.count(config.allow, "aikit.mcp: `allow`")
    for _, name in ipairs(config.allow) do allowed[name] = true end
  end
  return objects.new(class, {
    server = server, allowed = allowed, prefix = config.prefix or "", timeout = config.timeout, where = bridge.where(1),
  })
end

--- The state of a server; nil for every other value.
function mcp.state(value) return objects.state(value, class) end

--- The tools of a server that are allowed: `{ name, title?, description?, input_schema, output_schema? }` each.
function mcp.tools(state)
  local list = part("host").array {}
  local found = bridge.request("mcp", { operation = "tools", server = state.server, timeout = state.timeout })
  for _, tool in ipairs(found) do
    if not state.allowed or state.allowed[tool.name] then list[#list + 1] = tool end
  end
  return list
end

--- The text of a result's content; nil where that is no text.
local function text_of(content)
  local texts = {}
  for _, block in ipairs(content) do
    if type(block) ~= "table" or block.type ~= "text" or type(block.text) ~= "string" then return nil end
    texts[#texts + 1] = block.text
  end
  return concat(texts, "\n")
end

--- What a tool gives: its structured content, else its text, else the list of its content.
function mcp.call(state, name, arguments)
  if state.allowed and not state.allowed[name] then
    misuse("the MCP server's tool '%s' is not among those that `allow` names", errors.text(name))
  end
  local result = bridge.request("mcp", {
    operation = "call", server = state.server, name = name, timeout = state.timeout,
    arguments = arguments or setmetatable({}, {}),
  })
  local content = result.content == nil and {} or result.content
  if type(content) ~= "table" then
    part("host").fail {
      code = "mcp_lost", retryable = false,
      message = "the MCP server's tool '" .. name .. "' gave a result whose content is no list",
    }
  end
  local text = text_of(content)
  if result.isError then
    part("host").fail {
      code = "mcp_tool", retryable = false,
      message = text and text ~= "" and text or "the tool '" .. name .. "' failed",
    }
  end
  if result.structuredContent ~= nil then return result.structuredContent end
  return text or result.content
end

--- The tools of several servers as a model is told of them: `{ name, description, schema, server, tool,
--- result_schema? }` each, with the schema of the result where that has something secret.
--
-- @param taken the names that other tools have
function mcp.specs(servers, taken, what)
  local specs, known = {}, {}
  for name in pairs(taken) do known[name] = true end
  for index, state in ipairs(servers) do
    for _, tool in ipairs(mcp.tools(state)) do
      local name = sub(state.prefix .. gsub(tool.name, "[^%w_%-]", "_"), 1, NAME_LIMIT)
      if known[name] then
        part("host").fail {
          code = "mcp_names", retryable = false,
          message = what .. " has two tools '" .. name .. "'; give one of the servers a `prefix`",
        }
      end
      known[name] = true
      specs[#specs + 1] = {
        name = name, description = tool.description or tool.title or "", schema = tool.input_schema, server = index,
        tool = tool.name, result_schema = part("secret_schemas").of_result(tool.output_schema),
      }
    end
  end
  return specs
end

--- The tools that the server has and that are allowed.
function methods:tools()
  local state = mcp.state(self)
  if not state then misuse("call it with a colon: server:tools()") end
  return mcp.tools(state)
end

--- Calls a tool and gives what it gives; a tool that fails raises.
function methods:call(name, arguments)
  local state = mcp.state(self)
  if not state then misuse('call it with a colon: server:call("tool", { … })') end
  if type(name) ~= "string" or name == "" or arguments ~= nil and type(arguments) ~= "table" then
    misuse('server:call takes the name of a tool and its arguments: write server:call("search", { query = "…" })')
  end
  return mcp.call(state, name, arguments)
end

return mcp
