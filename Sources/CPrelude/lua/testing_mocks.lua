-- Mocks: a workflow's definition with other handlers in it. A mocked workflow is a workflow like any other, so the
-- engine knows nothing of mocks, and retries, timeouts, schemas and `next` of a mocked step work as they do without.
local bridge, part = ...
local errors, objects, slots = part "errors", part "objects", part "slots"
local error, getmetatable, ipairs, next = error, getmetatable, ipairs, next
local pairs, setmetatable, tostring, type = pairs, setmetatable, tostring, type
local find, format, gsub = string.find, string.format, string.gsub
local misuse = errors.misuse

local mocking = {}

-- Where the bodies of a node are: lists of nodes, or lists of `{ name, body }`.
local BODIES, NAMED = {}, {}
for _, keys in pairs(part("nodes").kinds) do
  for key, kind in pairs(keys) do
    if kind == "body" then BODIES[key] = true end
    if kind == "bodies" then NAMED[key] = true end
  end
end

local function copy(value)
  if type(value) ~= "table" then return value end
  local result = {}
  for key, item in pairs(value) do result[key] = copy(item) end
  return getmetatable(value) == "array" and setmetatable(result, bridge.array_metatable) or result
end

--- The path without the indexes of iterations: `each[2]/call` as `each/call`. Names of branches stay.
local function without_indexes(path) return (gsub(path, "%[%d+%]", "")) end

--- Calls `visit(list, index, path)` for each node of a list of definitions and for all that stands below.
local function each_node(list, prefix, visit)
  for index, node in ipairs(list) do
    local path = prefix .. tostring(node.id)
    visit(list, index, path)
    for key in pairs(BODIES) do
      if type(node[key]) == "table" then each_node(node[key], path .. "/", visit) end
    end
    for key in pairs(NAMED) do
      for position, entry in ipairs(type(node[key]) == "table" and node[key] or {}) do
        local name = node.list and position or entry.name
        local below = key == "branches" and format("%s[%s]/", path, tostring(name)) or path .. "/"
        each_node(entry.body, below, visit)
      end
    end
    if node.workflow then each_node(node.workflow.nodes, path .. "/", visit) end
  end
end

--- The function that a mock stands for: itself, one that gives a constant, or one that fails.
local function handler_of(mock)
  if type(mock) == "function" then return mock end
  if type(mock) == "table" and not objects.state(mock) and mock.error ~= nil and next(mock, next(mock)) == nil then
    local raised = mock.error
    if type(raised) == "string" then raised = { code = "mocked", message = raised } end
    return function() error(raised, 0) end
  end
  return function() return mock end
end

--- The step that stands in the place of a node, with what its neighbours know of it. A recording holds what came of all
-- attempts together.
local function mocked(node, handler, is_recorded)
  local output = node.output_schema or node.workflow and node.workflow.output_schema
  return {
    kind = "step", id = node.id, description = node.description, handler = slots.slot(handler),
    input_schema = node.input_schema, output_schema = output or nil, where = node.where,
    next = node.next, retry = not is_recorded and node.retry or nil,
    timeout = not is_recorded and node.kind == "step" and node.timeout or nil,
    compensate = node.compensate,
  }
end

--- A handler for the mocks of single iterations; the others run the common mock, or what was there.
local function by_path(node, path, mocks, common)
  if node.kind ~= "step" and common == nil then
    misuse("mocks: '%s' is a %s; only a step can be mocked in one iteration alone, mock all: '%s'",
      path, node.kind, path)
  end
  local original = common ~= nil and handler_of(common) or slots.callback(node.handler)
  local handlers = {}
  for exact, mock in pairs(mocks) do handlers[exact] = handler_of(mock) end
  return function(input, context) return (handlers[context.path] or original)(input, context) end
end

--- The definition of the workflow of each run.
mocking.definition = setmetatable({}, { __mode = "k" })

--- Whether a definition has a step of that path or id, or one that waits for it as its event; second: all such names.
function mocking.has(definition, name, events)
  local names = {}
  each_node(definition.nodes, "", function(list, index, path)
    local node = list[index]
    for _, known in pairs { path, without_indexes(path), node.id, event = events and node.event } do
      if type(known) == "string" then names[known] = true end
    end
  end)
  return type(name) == "string" and (names[name] or names[without_indexes(name)]) ~= nil, names
end

--- Refuses the name of a step that the definition does not have; `what` says where it was given.
function mocking.expect_step(definition, name, what, events)
  local has, names = mocking.has(definition, name, events)
  if not has then
    misuse("%s: workflow '%s' has no step '%s'%s", what, tostring(definition.id), tostring(name),
      errors.hint(name, errors.names(names)))
  end
end

--- The definition with mocks in it, by path or by id; second: the paths at which no code of the workflow runs.
function mocking.replaced(definition, mocks, is_recorded)
  local result = copy(definition)
  local left, known, exact, mocked_paths = {}, {}, {}, {}
  for key in errors.each(mocks) do
    if type(key) ~= "string" then misuse("mocks: keys are paths or ids of steps, got %s", errors.kind(key)) end
    left[key] = true
    if find(key, "%[%d+%]") then
      local path = without_indexes(key)
      exact[path] = exact[path] or {}
      exact[path][key] = mocks[key]
      mocked_paths[#mocked_paths + 1] = key
    end
  end
  each_node(result.nodes, "", function(list, index, path)
    local node = list[index]
    local plain = without_indexes(path)
    known[#known + 1] = path
    if node.id ~= path then known[#known + 1] = node.id end
    local single = exact[plain]
    if single then
      for key in pairs(single) do left[key] = nil end
    end
    local mock = mocks[path]
    if mock == nil then mock = mocks[plain] end
    if mock == nil then mock = mocks[node.id] end
    left[path], left[plain], left[node.id] = nil, nil, nil
    if mock ~= nil then mocked_paths[#mocked_paths + 1] = plain end
    if single then
      list[index] = mocked(node, by_path(node, plain, single, mock), is_recorded)
    elseif mock ~= nil then
      list[index] = mocked(node, handler_of(mock), is_recorded)
    end
  end)
  local unknown = errors.names(left)[1]
  if unknown then
    misuse("mocks: workflow '%s' has no step '%s'%s", tostring(definition.id), unknown, errors.hint(unknown, known))
  end
  return result, mocked_paths
end

return mocking
