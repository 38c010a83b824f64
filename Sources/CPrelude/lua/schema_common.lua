-- The methods that every schema has.
local _, part = ...
local errors, core = part "errors", part "schema_core"
local type = type
local misuse, expect = errors.misuse, errors.expect
local state_of, extend, append_function, replace = core.state_of, core.extend, core.append_function, core.replace

local common = {}

function common.optional(schema) return extend(schema, "optional", true) end
function common.nullable(schema) return extend(schema, "nullable", true) end

function common.describe(schema, text)
  return replace(schema, "description", expect(text, "string", ':describe "what it is"'))
end

--- Keeps the value out of traces; JSON Schema says `writeOnly`.
function common.secret(schema) return replace(schema, "writeOnly", true) end

function common.default(schema, value)
  if value == nil then misuse(":default takes what stands in for a missing value; for nothing write :optional()") end
  return replace(schema, "default", value)
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
