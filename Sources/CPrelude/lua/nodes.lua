-- The nodes of a workflow: made by constructors that check almost nothing, turned into a definition by commit.
--
-- What is wrong with a node (ids, keys, types, targets) the host says at commit, all of it at once. So a value that has
-- no place in a definition is kept in a form that the host can name, instead of being refused here.
local bridge, part = ...
local errors, objects, slot = part "errors", part "objects", part("slots").slot
local getmetatable, ipairs, next, pairs = getmetatable, ipairs, next, pairs
local setmetatable, tostring, type = setmetatable, tostring, type
local match, sort, tointeger = string.match, table.sort, math.tointeger
local misuse = errors.misuse

local nodes = {}

-- More than the flat form can carry; only a list that was put into itself gets here.
local MAX_DEPTH = 128

--- What stands under which key of a constructor's table; every other key holds plain data.
nodes.kinds = {
  step = { handler = "callback", next = "callback", input_schema = "schema", output_schema = "schema" },
  branch = { resolve = "callback", cases = "bodies", otherwise = "body" },
  loop = { step = "body", condition = "callback", prepare_next_input = "callback", collect = "callback" },
  foreach = { step = "body", items = "callback", collect = "callback" },
  parallel = { branches = "bodies", aggregate = "callback" },
  human = { output = "callback", input = "form", response_schema = "schema" },
  delay = { duration = "callback" },
  wait_for = { response_schema = "schema" },
}
local workflow_keys = { input_schema = "schema", output_schema = "schema", finalize = "callback" }

local node_class = objects.class("node", {}, { id = true, kind = true, description = true },
  "; aikit.clone_step(node, { … }) makes a changed copy")

--- The keys of a table in an order that every load of a script repeats: numbers, then strings, then the rest.
function nodes.ordered_keys(given)
  local keys = {}
  for key in pairs(given) do keys[#keys + 1] = key end
  sort(keys, function(a, b)
    local left, right = type(a), type(b)
    if left ~= right then return left < right end
    if left == "number" or left == "string" then return a < b end
    return tostring(a) < tostring(b)
  end)
  return keys
end
local ordered_keys = nodes.ordered_keys

--- A copy of any value, in a form that can cross to the host.
local function plain(value, depth)
  local kind = type(value)
  if kind == "function" then return { ["$function"] = slot(value) } end
  if kind == "thread" or kind == "userdata" and value ~= bridge.null then return { ["$value"] = kind } end
  if kind ~= "table" then return value end
  local state = objects.state(value)
  if state and state.json then return (part "compile"(value)) end
  if state then return { ["$node"] = state.id or state.kind } end
  if depth > MAX_DEPTH then misuse("a table of the workflow holds itself, or is nested deeper than %d", MAX_DEPTH) end

  local keys, copy = ordered_keys(value), {}
  local is_list = keys[#keys] == #keys
  for _, key in ipairs(keys) do
    local item = plain(value[key], depth + 1)
    copy[(is_list or type(key) == "string") and key or "[" .. tostring(key) .. "]"] = item
  end
  return getmetatable(value) == "array" and setmetatable(copy, bridge.array_metatable) or copy
end

local define

--- A body as a list of definitions: a node, a step's table, or a list of them.
local function define_body(body, depth)
  if type(body) ~= "table" then return plain(body, depth) end
  if objects.state(body) or body[1] == nil and next(body) ~= nil then return { (define(body, depth)) } end
  local list = {}
  for _, key in ipairs(ordered_keys(body)) do list[#list + 1] = define(body[key], depth) end
  return setmetatable(list, bridge.array_metatable)
end

--- Named bodies sorted by name, or a list of bodies by index; second: whether it is a list.
local function define_bodies(bodies, depth)
  if type(bodies) ~= "table" or objects.state(bodies) then return plain(bodies, depth), false end
  local list, is_list = setmetatable({}, bridge.array_metatable), true
  for _, name in ipairs(ordered_keys(bodies)) do
    is_list = is_list and type(name) == "number"
    list[#list + 1] = { name = plain(name, depth), body = define_body(bodies[name], depth) }
  end
  return list, is_list and #list > 0
end

--- Registers `fn(ask, context)`; the host calls the slot with the context alone.
local function define_form(callback, depth)
  if type(callback) ~= "function" then return plain(callback, depth) end
  local ask = part "forms"
  return slot(function(context) return callback(ask, context) end)
end

local function define_keys(config, keys, depth)
  local definition = {}
  for _, key in ipairs(ordered_keys(config)) do
    local value, kind = config[key], keys[key]
    if type(key) ~= "string" then key = "[" .. tostring(key) .. "]" end
    if kind == "callback" and type(value) == "function" then
      definition[key] = slot(value)
    elseif kind == "form" then
      definition[key] = define_form(value, depth)
    elseif kind == "body" then
      definition[key] = define_body(value, depth + 1)
    elseif kind == "bodies" then
      definition[key], definition.list = define_bodies(value, depth + 1)
    elseif kind == "schema" and type(value) == "table" then
      definition[key] = part "compile"(value, key)
    else
      definition[key] = plain(value, depth)
    end
  end
  return definition
end

--- The definition of a node, of a workflow that stands as one, or of a step given as its table.
function define(node, depth)
  if depth > MAX_DEPTH then misuse("a body of the workflow holds itself, or is nested deeper than %d", MAX_DEPTH) end
  local state = objects.state(node)
  if not state then
    if type(node) ~= "table" then return plain(node, depth) end
    state = { kind = "step", config = node }
  elseif state.kind == "builder" then
    misuse("workflow '%s' stands as a step but was not committed; end its chain with :commit()", tostring(state.id))
  end
  local definition
  if state.kind == "workflow" then
    definition = plain(state.overrides or {}, depth)
    definition.id, definition.workflow = state.id, state.definition
  elseif nodes.kinds[state.kind] then
    definition = define_keys(state.config, nodes.kinds[state.kind], depth)
  else
    return plain(node, depth)
  end
  definition.kind = state.kind
  definition.where = state.where or bridge.where(1)
  return definition
end

local function new_node(kind, config, where)
  local copy = {}
  for key, value in pairs(config) do copy[key] = value end
  return objects.new(node_class, {
    kind = kind, id = copy.id, description = copy.description, config = copy, where = where or bridge.where(1),
  })
end

--- Where a table in a chain was written: Lua 5.4 gives every call of a chain the line on which the chain begins, so a
--- function written inside the table says more.
local function where_in_chain(config)
  local where = bridge.where(1)
  local file, start = match(where or "", "^(.*):(%d+)$")
  local line
  for _, value in pairs(config) do
    local other_file, other = match(type(value) == "function" and bridge.function_where(value) or "", "^(.*):(%d+)$")
    other = tointeger(other)
    if other_file == file and other > tointeger(start) and (line == nil or other < line) then line = other end
  end
  return line and file .. ":" .. line or where
end

--- `aikit.step`, `aikit.branch` …: the constructor of one kind of node.
function nodes.constructor(kind)
  return function(config)
    if type(config) ~= "table" or objects.state(config) then
      misuse("aikit.%s takes one table, got %s: write aikit.%s { id = \"…\", … }", kind, errors.kind(config), kind)
    end
    return new_node(kind, config)
  end
end

--- A copy of a node with other values for some keys.
function nodes.clone(node, changes)
  local state = objects.state(node)
  if not state or not (state.config or state.definition) or state.kind == "builder" then
    misuse("aikit.clone_step takes a step and a table of changes, got %s first", errors.kind(node))
  elseif type(changes) ~= "table" or objects.state(changes) then
    misuse("aikit.clone_step takes a table of changes second, got %s: write aikit.clone_step(step, { id = \"…\" })",
      errors.kind(changes))
  end
  local config = {}
  for key, value in pairs(state.config or state.overrides or {}) do config[key] = value end
  for key, value in pairs(changes) do config[key] = value end
  if state.kind ~= "workflow" then return new_node(state.kind, config) end
  return objects.new(node_class, {
    kind = "workflow", id = config.id or state.id, overrides = config, definition = state.definition,
    where = bridge.where(1),
  })
end

--- What `:step` and the like take: a node as it is, or the table to make one of `kind`.
function nodes.accept(kind, value)
  local state = objects.state(value)
  if state then
    if kind == "step" or kind == state.kind then return value end
  elseif type(value) == "table" then
    return new_node(kind, value, where_in_chain(value))
  end
  misuse(":%s takes %s, got %s: write :%s { id = \"…\", … }", kind,
    kind == "step" and "a step or one table" or "one table", errors.kind(value), kind)
end

--- The whole definition that commit hands to the host.
function nodes.define_workflow(config, children, where)
  local definition = define_keys(config, workflow_keys, 1)
  local list = setmetatable({}, bridge.array_metatable)
  for index, node in ipairs(children) do list[index] = define(node, 1) end
  definition.kind, definition.nodes, definition.where = "workflow", list, where
  return definition
end

return nodes
