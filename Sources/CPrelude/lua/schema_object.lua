-- The methods of object schemas: what happens to unknown fields, and new objects out of old ones.
local _, part = ...
local errors, objects, core = part "errors", part "objects", part "schema_core"
local ipairs, pairs = ipairs, pairs
local misuse, expect = errors.misuse, errors.expect
local copy, derive, expect_schema = core.copy, core.derive, core.expect_schema

local object = {}

local function with_unknown(schema, mode, additional)
  local result, state = derive(schema)
  state.extension.unknown, state.json.additionalProperties = mode, additional
  return result
end

function object.strip(schema) return with_unknown(schema, "strip", nil) end
function object.strict(schema) return with_unknown(schema, "strict", false) end
function object.passthrough(schema) return with_unknown(schema, "passthrough", nil) end
function object.catchall(schema, other)
  return with_unknown(schema, "passthrough", expect_schema(other, ":catchall(s.string())"))
end

--- A copy whose fields are what `change(fields)` makes of a copy of them.
local function with_fields(schema, change)
  local result, state = derive(schema)
  local fields = copy(state.json.properties)
  state.json.properties = change(fields) or fields
  return result
end

function object.extend(schema, more)
  expect(more, "table", ":extend { name = s.string() }")
  if core.is_schema(more) then misuse(":extend takes a table of fields; for two objects write :merge(other)") end
  return with_fields(schema, function(fields)
    for name, field in errors.each(more) do fields[name] = expect_schema(field, ":extend { name = s.string() }") end
  end)
end

local function object_state(value, usage)
  local state = objects.state(value)
  if not state or state.class ~= core.class.object then
    misuse("expected an object schema, got %s: write %s", errors.kind(value), usage)
  end
  return state
end

--- The fields and the checks of both; `combine(left, right)` is asked for a field that both have.
local function joined(schema, other, combine)
  local theirs = object_state(other, ":merge(s.object { … })")
  local result, state = derive(schema)
  local fields = copy(state.json.properties)
  for name, field in pairs(theirs.json.properties) do
    fields[name] = fields[name] and combine(fields[name], field) or field
  end
  state.json.properties = fields
  local functions = copy(state.extension.functions or {})
  for _, entry in ipairs(theirs.extension.functions or {}) do functions[#functions + 1] = entry end
  state.extension.functions = functions[1] and functions
  return result, theirs
end

--- The other's fields win, and so does its treatment of unknown fields.
function object.merge(schema, other)
  local result, theirs = joined(schema, other, function(_, field) return field end)
  return with_unknown(result, theirs.extension.unknown, theirs.json.additionalProperties)
end

--- Each option of a union together with another schema.
local function distributed(union, combine)
  local result, state = derive(union)
  local options = {}
  for index, option in ipairs(state.json.anyOf) do options[index] = combine(option) end
  state.json.anyOf = options
  return result
end

--- What both schemas accept: two objects become one, also within a union, where either would drop the other's fields;
--- everything else must fit the one and the other.
function core.intersect(left, right)
  local a, b = objects.state(left), objects.state(right)
  local object_class, union_class = core.class.object, core.class.union
  if a.class == object_class and b.class == object_class then return (joined(left, right, core.intersect)) end
  if a.class == union_class and (b.class == object_class or b.class == union_class) then
    return distributed(left, function(option) return core.intersect(option, right) end)
  elseif a.class == object_class and b.class == union_class then
    return distributed(right, function(option) return core.intersect(left, option) end)
  end
  return core.new("intersection", { allOf = { left, right } })
end

--- The same with fewer fields, or with fields that may be missing: functions of the whole object may need what is gone,
--- so that they are dropped.
local function with_less(schema, change)
  local result, state = derive(with_fields(schema, change))
  state.extension.functions = nil
  return result
end

--- The named fields as a set; each must exist.
local function chosen(schema, names, method)
  local properties, set = core.state_of(schema).json.properties, {}
  local usage = ":" .. method .. ' { "name" }'
  errors.count(expect(names, "table", usage), "what goes into " .. usage)
  for _, name in ipairs(names) do
    if properties[name] == nil then
      misuse(":%s: the object has no field '%s'%s", method, name, errors.hint(name, errors.names(properties)))
    end
    set[name] = true
  end
  return set
end

function object.pick(schema, names)
  local set = chosen(schema, names, "pick")
  return with_less(schema, function(fields)
    for name in pairs(fields) do
      if not set[name] then fields[name] = nil end
    end
  end)
end

function object.omit(schema, names)
  local set = chosen(schema, names, "omit")
  return with_less(schema, function(fields)
    for name in pairs(set) do fields[name] = nil end
  end)
end

--- Makes fields optional, or required again: all of them, or those of a list.
local function with_optional(schema, names, method, optional)
  local set = names and chosen(schema, names, method)
  local change = optional and with_less or with_fields
  return change(schema, function(fields)
    for name, field in pairs(fields) do
      if not set or set[name] then
        fields[name] = core.extend(field, "optional", optional)
      end
    end
  end)
end

function object.partial(schema, names) return with_optional(schema, names, "partial", true) end
function object.required(schema, names) return with_optional(schema, names, "required", nil) end

--- An enum of the names of the fields.
function object.keyof(schema)
  return core.new("enum", { enum = errors.names(core.state_of(schema).json.properties) })
end

return object
