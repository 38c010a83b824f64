-- From nodes to the definition that commit hands to the host: plain tables, with slots in the place of functions.
--
-- A value that has no place in a definition is kept in a form that the host can name, instead of being refused here:
-- the host tells everything that is wrong with a workflow at once.
local bridge, part = ...
local errors, objects, slot = part "errors", part "objects", part("slots").slot
local code = part "code"
local ipairs, next, setmetatable, getmetatable = ipairs, next, setmetatable, getmetatable
local tostring, type = tostring, type
local misuse = errors.misuse
local ordered_keys, kinds = errors.ordered_keys, part("nodes").kinds

-- More than the flat form can carry; only a list that was put into itself gets here.
local MAX_DEPTH = 128

local workflow_keys = { input_schema = "schema", output_schema = "schema", finalize = "callback", hooks = "hooks",
  on_success = "completion", on_failure = "completion", on_cancel = "completion" }

--- A copy of any value, in a form that can cross to the host.
local function plain(value, depth)
  local kind = type(value)
  if kind == "function" then return { ["$function"] = slot(value) } end
  if kind == "thread" or kind == "userdata" and value ~= bridge.null then return { ["$value"] = kind } end
  if kind ~= "table" then return value end
  local state = objects.state(value)
  if state and state.json then return (part "compile"(value)) end
  local name = state and (state.id or state.kind)
  if state then return name and { ["$node"] = name } or { ["$value"] = getmetatable(value) } end
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

--- What stands where a function belongs but is none; a number there would be taken for a slot.
local function no_callback(value, depth)
  return type(value) == "number" and { ["$value"] = "number" } or plain(value, depth)
end

--- Registers `fn(ask, context)`; the host calls the slot with the context alone.
local function define_form(callback, depth)
  if type(callback) ~= "function" then return no_callback(callback, depth) end
  local ask = part "forms"
  return slot(function(context)
    local form = callback(ask, context)
    local outer = errors.blame(bridge.function_where(callback))
    if type(form) ~= "table" or type(form.fields) ~= "table" then
      misuse("`input` gives %s, not a form: write return ask.form { fields = { ask.text { id = \"…\" } } }",
        errors.kind(form))
    end
    form = ask.form(form)
    errors.blame(outer)
    return form
  end)
end

--- The `collect` of a foreach that goes on after errors: the host gives results and errors as one value.
local function with_errors(collect)
  return function(given, context) return collect(given.results, context, given.errors) end
end

--- The `compensate` of a step: the host gives the output, and the input is that of the context.
local function with_input(compensate)
  return function(output, context) return compensate(output, context.input, context) end
end

local function define_keys(config, keys, depth)
  local definition = {}
  for _, key in ipairs(ordered_keys(config)) do
    local value, kind = config[key], keys[key]
    if type(key) ~= "string" then key = "[" .. tostring(key) .. "]" end
    if kind == "callback" then
      if key == "collect" and config.on_error == "continue" and type(value) == "function" then
        value = with_errors(value)
      end
      definition[key] = type(value) == "function" and slot(value) or no_callback(value, depth)
    elseif kind == "completion" then
      if objects.state(value) then value = part("callback").handler(value, key) or value end
      definition[key] = type(value) == "function" and slot(value) or no_callback(value, depth)
    elseif kind == "compensate" then
      definition[key] = type(value) == "function" and slot(with_input(value)) or no_callback(value, depth)
    elseif kind == "form" then
      definition[key] = define_form(value, depth)
    elseif kind == "hooks" then
      definition[key] = plain(part("hooks").define(value), depth)
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

--- Where a step given as its table was written, as far as that is known: at its handler, or where what holds it was.
local function where_of_table(config)
  if type(config.handler) == "function" then return bridge.function_where(config.handler) end
  local outer = errors.blame(nil)
  errors.blame(outer)
  return outer
end

--- The definition of a node, of a workflow that stands as one, or of a step given as its table.
function define(node, depth)
  if depth > MAX_DEPTH then misuse("a body of the workflow holds itself, or is nested deeper than %d", MAX_DEPTH) end
  local state = objects.state(node)
  -- An agent is the loop that it was made into.
  if state and state.node then state = objects.state(state.node) end
  if not state then
    if type(node) ~= "table" then return plain(node, depth) end
    state = { kind = "step", config = node, where = where_of_table(node) }
  elseif state.kind == "builder" then
    misuse("workflow '%s' stands as a step but was not committed; end its chain with :commit()", tostring(state.id))
  elseif not state.definition and not kinds[state.kind] then
    return plain(node, depth)
  end

  local outer = errors.blame(state.where)
  local definition
  if state.definition then
    definition = plain(state.overrides or {}, depth)
    definition.id, definition.workflow = state.id, state.definition
  else
    definition = define_keys(state.config, kinds[state.kind], depth)
    definition.code = code(state.config, kinds[state.kind], state.source)
  end
  definition.kind, definition.where = state.kind, errors.blame(outer)
  return definition
end

local unblame = setmetatable({}, { __close = function() errors.blame(nil) end })

--- The whole definition of a workflow; problems that are found already here are blamed on the node that has them.
return function(config, children, where)
  local _ <close> = unblame
  errors.blame(where)
  local definition = define_keys(config, workflow_keys, 1)
  local list = setmetatable({}, bridge.array_metatable)
  for index, node in ipairs(children) do list[index] = define(node, 1) end
  definition.kind, definition.nodes, definition.where = "workflow", list, where
  definition.code = code(config, workflow_keys)
  return definition
end
