-- The methods that every schema has.
local bridge, part = ...
local errors, objects, core = part "errors", part "objects", part "schema_core"
local ipairs, next, pairs, pcall, setmetatable = ipairs, next, pairs, pcall, setmetatable
local tostring, type = tostring, type
local misuse, expect = errors.misuse, errors.expect
local state_of, extend, append_function, replace = core.state_of, core.extend, core.append_function, core.replace

local common = {}

function common.optional(schema) return extend(schema, "optional", true) end
function common.nullable(schema) return extend(schema, "nullable", true) end

function common.describe(schema, text)
  return replace(schema, "description", expect(text, "string", ':describe "what it is"'))
end

--- Keeps the value out of traces and logs; JSON Schema says `writeOnly`.
function common.secret(schema) return replace(schema, "writeOnly", true) end

-- What a value of a schema of one kind is in Lua.
local IS = {
  string = function(value) return type(value) == "string" end,
  number = function(value) return type(value) == "number" end,
  integer = function(value) return type(value) == "number" and value % 1 == 0 end,
  boolean = function(value) return type(value) == "boolean" end,
  array = function(value) return type(value) == "table" end,
  object = function(value) return type(value) == "table" end,
  literal = function(value, json) return value == json.const end,
  enum = function(value, json)
    for _, one in ipairs(json.enum) do
      if one == value then return true end
    end
    return false
  end,
}

--- A default as it stands in the schema: of the schema's type, and with empty tables as lists where the schema has
--- lists.
local function default_of(schema, value)
  local state = objects.state(schema)
  local json, is = state.json, IS[state.kind]
  -- What is coerced may stand there in another form.
  if is and not state.extension.coerce and value ~= bridge.null and not is(value, json) then
    local own = errors.a(state.kind)
    if state.kind == "enum" or state.kind == "literal" then
      misuse(":default of %s schema takes what the schema lists, got '%s'", own, tostring(value))
    end
    misuse(":default of %s schema takes %s, got %s", own, own, errors.kind(value))
  end
  if type(value) ~= "table" or objects.state(value) then return value end
  if state.kind == "array" or state.kind == "tuple" then
    return next(value) == nil and setmetatable({}, bridge.array_metatable) or value
  elseif state.kind ~= "object" then
    return value
  end
  local result = core.copy(value)
  for name, field in pairs(json.properties) do
    if type(value[name]) == "table" and core.is_schema(field) then result[name] = default_of(field, value[name]) end
  end
  return result
end

function common.default(schema, value)
  state_of(schema)
  if value == nil then misuse(":default takes what stands in for a missing value; for nothing write :optional()") end
  local crosses, problem = pcall(bridge.encode, value, "value")
  if not crosses then misuse(":default: the %s", errors.text(problem)) end
  return replace(schema, "default", default_of(schema, value))
end

--- `options` is the message, or `{ message = …, path = … }`, where the path names the field that is to blame.
function common.refine(schema, check, options)
  local usage = ':refine(function(value) return value ~= "" end, "must not be empty")'
  expect(check, "function", usage)
  if type(options) ~= "table" then options = { message = options } end
  errors.known(options, { "message", "path" }, ":refine")
  if options.message ~= nil then expect(options.message, "string", usage) end
  local path = options.path
  if path ~= nil and type(path) ~= "table" then path = { path } end
  return append_function(schema, { refine = check, message = options.message, path = path })
end

function common.transform(schema, change)
  expect(change, "function", ":transform(function(value) return value end)")
  return append_function(schema, { transform = change })
end

function common.array(schema)
  state_of(schema)
  return core.new("array", { type = "array", items = schema })
end

function common.json_schema(schema, options)
  state_of(schema)
  options = options == nil and {} or expect(options, "table", ':json_schema { target = "strict" }')
  errors.known(options, { "target" }, ":json_schema")
  return part "schema_export"(schema, options.target)
end

function common.safe_parse(schema, value)
  state_of(schema)
  return part "validate"(schema, value)
end

function common.validate(schema, value)
  local answer = common.safe_parse(schema, value)
  return answer.success, answer.issues
end

function common.parse(schema, value)
  local answer = common.safe_parse(schema, value)
  if answer.success then return answer.data end
  return part("host").fail { code = "invalid_value", message = answer.message, details = { issues = answer.issues } }
end

return common
