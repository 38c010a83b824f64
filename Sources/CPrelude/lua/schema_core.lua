-- What every schema is made of, and the ways to make a changed copy of one.
--
-- The state of a schema holds the JSON Schema keywords as far as they are known (`json`, whose values may be schemas)
-- and our own (`extension`, which becomes the keyword "x-aikit"). `compile` turns both into plain JSON Schema.
local _, part = ...
local errors, objects = part "errors", part "objects"
local pairs, type = pairs, type
local misuse = errors.misuse

local core = {}

--- The class of each kind of schema, filled in by schema_methods.
core.class = {}

function core.copy(given)
  local result = {}
  for key, value in pairs(given) do result[key] = value end
  return result
end

local copy = core.copy

function core.new(kind, json, extension)
  return objects.new(core.class[kind], { kind = kind, json = json, extension = extension or {} })
end

function core.is_schema(value)
  local state = objects.state(value)
  return state ~= nil and state.json ~= nil
end

function core.state_of(schema)
  local state = objects.state(schema)
  if not state or not state.json then misuse("call the methods of a schema with a colon: schema:optional()") end
  return state
end

--- The value as a schema, if it is one or a table of JSON Schema.
function core.expect_schema(value, usage)
  if core.is_schema(value) then return value end
  if type(value) == "table" and not objects.state(value) and value[1] ~= nil then
    misuse("expected a schema, got a list: write %s", usage)
  end
  if type(value) == "table" and not objects.state(value) then return core.new("json", { ["$raw"] = value }) end
  if type(value) == "function" then misuse("expected a schema, got a function: is `()` missing? Write %s", usage) end
  return misuse("expected a schema, got %s: write %s", errors.kind(value), usage)
end

function core.expect_schemas(list, usage)
  if core.is_schema(list) then misuse("expected a list of schemas, got one schema: write %s", usage) end
  errors.expect(list, "table", usage)
  local schemas = {}
  for index = 1, errors.count(list, "what goes into " .. usage) do
    schemas[index] = core.expect_schema(list[index], usage)
  end
  return schemas
end

--- Whether a value may stay away altogether, because it is optional or because a default stands in.
function core.may_be_absent(schema)
  local state = objects.state(schema)
  return state.extension.optional or state.json.default ~= nil
end

--- A copy, and its state to be changed.
function core.derive(schema)
  local state = copy(core.state_of(schema))
  state.json, state.extension = copy(state.json), copy(state.extension)
  state.handle, state.lease = nil, nil
  return objects.new(state.class, state), state
end

--- A copy with a value for one of our own keywords.
function core.extend(schema, key, value)
  local result, state = core.derive(schema)
  state.extension[key] = value
  return result
end

--- A copy with one more function of the script, which runs after those before it.
function core.append_function(schema, entry)
  local list = copy(core.state_of(schema).extension.functions or {})
  list[#list + 1] = entry
  return core.extend(schema, "functions", list)
end

--- A copy with a JSON Schema keyword in place of what it was.
function core.replace(schema, keyword, value)
  local result, state = core.derive(schema)
  state.json[keyword] = value
  return result
end

--- A copy with a JSON Schema keyword; one that is there already stays valid too, in an `allOf`.
function core.constrain(schema, keyword, value)
  local present = core.state_of(schema).json
  if present[keyword] == nil or present[keyword] == value then return core.replace(schema, keyword, value) end
  local all = copy(present.allOf or {})
  all[#all + 1] = { [keyword] = value }
  return core.replace(schema, "allOf", all)
end

return core
