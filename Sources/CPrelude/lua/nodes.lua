-- The nodes of a workflow, made by constructors that check almost nothing: what is wrong with one (ids, keys, types,
-- targets) the host says at commit, all of it at once.
local bridge, part = ...
local errors, objects = part "errors", part "objects"
local pairs, tonumber, type = pairs, tonumber, type
local match, maxinteger = string.match, math.maxinteger
local misuse = errors.misuse

local nodes = {}

--- What stands under which key of a constructor's table; every other key holds plain data.
nodes.kinds = {
  step = { handler = "callback", next = "callback", input_schema = "schema", output_schema = "schema",
    compensate = "compensate" },
  branch = { resolve = "callback", cases = "bodies", otherwise = "body" },
  loop = { step = "body", condition = "callback", prepare_next_input = "callback", collect = "callback" },
  foreach = { step = "body", items = "callback", collect = "callback" },
  parallel = { branches = "bodies", aggregate = "callback" },
  human = { output = "callback", input = "form", response_schema = "schema" },
  -- A function there stays marked as one, for a bare slot would be a number of seconds.
  delay = {},
  wait_for = { response_schema = "schema" },
}

--- What can be called on a node: nothing, outside of tests.
nodes.methods = {}

local node_class = objects.class("node", nodes.methods, { id = true, kind = true, description = true },
  "; aikit.clone_step(node, { … }) makes a changed copy")

local function new_node(kind, config, where)
  local copy = {}
  for key, value in pairs(config) do copy[key] = value end
  return objects.new(node_class, {
    kind = kind, id = copy.id, description = copy.description, config = copy, where = where or bridge.where(1),
  })
end

--- The lowest line after `line`, or `lowest`, at which something inside the table was written.
local function lowest_line(config, file, line, lowest, depth)
  for _, value in pairs(config) do
    local where
    local state = objects.state(value)
    if type(value) == "function" then
      where = bridge.function_where(value)
    elseif state then
      where = state.where
    elseif type(value) == "table" and depth > 0 then
      lowest = lowest_line(value, file, line, lowest, depth - 1)
    end
    local its_file, its_line = match(where or "", "^(.*):(%d+)$")
    its_line = tonumber(its_line)
    if its_file == file and its_line > line and its_line < lowest then lowest = its_line end
  end
  return lowest
end

--- Where a table in a chain was written: Lua 5.4 gives every call of a chain the line on which the chain begins, so a
--- function or a node written inside the table says more.
local function where_in_chain(config)
  local where = bridge.where(1)
  local file, line = match(where or "", "^(.*):(%d+)$")
  if not file then return where end
  local lowest = lowest_line(config, file, tonumber(line), maxinteger, 2)
  return lowest < maxinteger and file .. ":" .. lowest or where
end

--- `aikit.step`, `aikit.branch` …: the constructor of one kind of node.
function nodes.constructor(kind)
  return function(config)
    errors.no_colon(config, kind)
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
  if state.kind == "agent" then return part("agent").new(config) end
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

return nodes
