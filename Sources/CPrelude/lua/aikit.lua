-- The `aikit` library that scripts require: assembled here, one part a file, the rarely used parts on first use.
local bridge = ...
local assert, load, pairs = assert, load, pairs

local parts = {}

--- The value of a part, loaded at the first call; each part gets the bridge and this function.
local function part(name)
  local loaded = parts[name]
  if loaded == nil then
    local chunk = assert(load(bridge.sync("prelude", name), "=[aikit " .. name .. "]", "t", _ENV))
    loaded = chunk(bridge, part)
    parts[name] = loaded
  end
  return loaded
end

-- What the host loads besides, such as the library of tests, shares the parts.
bridge.library = part

-- The host knows this one by its number, 1: the library's documentation as a text.
part("slots").slot(function(format, definitions) return part "document"(format, definitions) end)

local objects = part "objects"
local nodes = part "nodes"
local host = part "host"

local members = {
  null = bridge.null,
  array = host.array, fail = host.fail,
  sleep = host.sleep, now = host.now, uuid = host.uuid, random = host.random,
  all = host.all, json = host.json, log = host.log,
  workflow = part("builder").workflow,
  clone_step = nodes.clone,
}
for kind in pairs(nodes.kinds) do members[kind] = nodes.constructor(kind) end

-- What a script may never touch: loading it costs more than all the rest.
local on_demand = {
  version = function() return bridge.sync "version" end,
  schema = function() return part "schema" end,
  host = function() return part "host_module" end,
  http = function() return part "http" end,
  crypto = function() return part "crypto" end,
  csv = function() return part "csv" end,
  env = function() return part "env" end,
  exec = function() return part "exec" end,
  fs = function() return part "fs" end,
  text = function() return part "text" end,
  time = function() return part "time" end,
  requires = function() return part "requires" end,
  secret = function() return part("secret").new end,
  start = function() return part "start" end,
  hmac = function() return part("hooks").hmac end,
  callback = function() return part("callback").new end,
  mcp = function() return part("mcp").new end,
  model = function() return part("model").new end,
  tool = function() return part("tool").new end,
  agent = function() return part("agent").new end,
}
local aikit = objects.namespace("aikit", members, on_demand, {
  createStep = "step", createMapStep = "step", createWorkflow = "workflow", cloneStep = "clone_step",
  createConditionStep = "branch", createWhileStep = "loop", createForEachStep = "foreach",
  createParallelStep = "parallel", createHuman = "human", createAgent = "agent", Agent = "agent", fetch = "http.get",
})

bridge.set_context_methods(part "context", function(context) return part("context_trace").of(context) end)
bridge.set_collect(part("builder").collect)

return aikit
