-- Schemas for readers outside: plain JSON Schema without the library's own keyword, and the narrower form that model
-- providers ask for.
local bridge, part = ...
local errors, compile = part "errors", part "compile"
local getmetatable, ipairs, pairs, setmetatable, type = getmetatable, ipairs, pairs, setmetatable, type
local misuse = errors.misuse

-- Keywords that no provider's strict form takes: what they say is left to the check of the answer.
local LEFT_OUT = {
  default = true, minLength = true, maxLength = true, uniqueItems = true, contains = true, minContains = true,
  maxContains = true, minProperties = true, maxProperties = true, propertyNames = true, patternProperties = true,
  examples = true, title = true, ["$comment"] = true, contentEncoding = true, contentMediaType = true,
}

-- The formats that a strict form knows.
local FORMATS = {
  ["date-time"] = true, time = true, date = true, duration = true, email = true, hostname = true, ipv4 = true,
  ipv6 = true, uuid = true,
}

-- Keywords without which the schema would mean something else.
local UNSAYABLE = {
  allOf = "an intersection", ["not"] = "'not'", ["if"] = "'if'", dependentSchemas = "'dependentSchemas'",
  dependentRequired = "'dependentRequired'", prefixItems = "a tuple", unevaluatedProperties = "'unevaluatedProperties'",
}

--- A copy of a JSON value in which each schema is what `change` makes of it.
local function mapped(value, role, change)
  if type(value) ~= "table" then return value end
  local result = {}
  for key, inner in pairs(value) do
    result[key] = mapped(inner, compile.role_under(key, role), change)
  end
  if getmetatable(value) == "array" then setmetatable(result, bridge.array_metatable) end
  if role == "schema" then change(result) end
  return result
end

local function without_extension(schema)
  local own = schema["x-aikit"]
  schema["x-aikit"] = nil
  if own and own.unknown == "strict" and schema.additionalProperties == nil then schema.additionalProperties = false end
end

--- The schema, or null: how a field says that it may be absent where all fields are required.
local function nullable(schema)
  if type(schema.type) == "string" and schema.const == nil and schema.enum == nil then
    if schema.type ~= "null" then schema.type = { schema.type, "null" } end
    return schema
  end
  for _, option in ipairs(schema.anyOf or {}) do
    if option.type == "null" then return schema end
  end
  if type(schema.type) == "table" then
    for _, name in ipairs(schema.type) do
      if name == "null" then return schema end
    end
  end
  return { anyOf = { schema, { type = "null" } } }
end

local function close(schema)
  local is_needed, required = {}, {}
  for _, name in ipairs(schema.required or {}) do is_needed[name] = true end
  for _, name in ipairs(errors.names(schema.properties)) do
    required[#required + 1] = name
    if not is_needed[name] then schema.properties[name] = nullable(schema.properties[name]) end
  end
  schema.required = setmetatable(required, bridge.array_metatable)
  schema.additionalProperties = false
end

local function narrow(schema)
  without_extension(schema)
  for keyword, what in pairs(UNSAYABLE) do
    if schema[keyword] ~= nil then misuse("%s cannot be said in the strict form of model providers", what) end
  end
  if type(schema.additionalProperties) == "table" or schema.additionalProperties == true then
    misuse("an object with keys of any name cannot be said in the strict form of model providers: use a list of pairs")
  end
  for keyword in pairs(LEFT_OUT) do schema[keyword] = nil end
  if not FORMATS[schema.format] then schema.format = nil end
  if schema.oneOf then schema.anyOf, schema.oneOf = schema.oneOf, nil end
  if schema.properties or schema.type == "object" then
    schema.type, schema.properties = schema.type or "object", schema.properties or {}
    close(schema)
  end
end

--- `target` is nil for plain JSON Schema; "strict" and "openai" are the same form.
return function(schema, target)
  if target ~= nil and target ~= "strict" and target ~= "openai" then
    misuse('json_schema takes { target = "strict" } or { target = "openai" }, which are the same form, or nothing; '
      .. 'got %s%s',
      type(target) == "string" and "'" .. target .. "'" or errors.kind(target),
      errors.hint(target, { "openai", "strict" }))
  end
  return mapped((compile(schema)), "schema", target and narrow or without_extension)
end
