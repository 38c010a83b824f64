-- Schemas as plain JSON Schema (draft 2020-12), with what JSON Schema cannot say under "x-aikit".
local bridge, part = ...
local errors, objects, slots = part "errors", part "objects", part "slots"
local getmetatable, ipairs, next, pairs = getmetatable, ipairs, next, pairs
local setmetatable, type = setmetatable, type
local find, gmatch = string.find, string.gmatch
local misuse = errors.misuse

-- Keywords that hold values, not schemas.
local LITERAL = { const = true, default = true, enum = true, examples = true }

-- Keywords that one would write with one of our schemas, even alone in a table of JSON Schema.
local HOLDS_SCHEMA = { items = true, ["not"] = true, contains = true, additionalProperties = true }

-- What stands under a keyword: one schema, a list of schemas, or a map of schemas by name.
local ROLE = {
  additionalProperties = "schema", contains = "schema", contentSchema = "schema", ["else"] = "schema",
  ["if"] = "schema", items = "schema", ["not"] = "schema", propertyNames = "schema", ["then"] = "schema",
  unevaluatedItems = "schema", unevaluatedProperties = "schema",
  allOf = "list", anyOf = "list", oneOf = "list", prefixItems = "list",
  properties = "map", patternProperties = "map", dependentSchemas = "map", ["$defs"] = "map", definitions = "map",
}

--- What the value under a key is, within a table of a role: a "schema", a "list" or a "map" of schemas; nil for none.
local function role_under(key, role)
  if role == "schema" then return ROLE[key] end
  return role and "schema"
end

-- All keywords of draft 2020-12, and those of earlier drafts that still mean something.
local KEYWORDS = {}
for name in gmatch([[
  $anchor $comment $defs $dynamicAnchor $dynamicRef $id $ref $schema $vocabulary additionalProperties allOf anyOf const
  contains contentEncoding contentMediaType contentSchema default definitions dependentRequired dependentSchemas
  deprecated description else enum examples exclusiveMaximum exclusiveMinimum format if items maxContains maxItems
  maxLength maxProperties maximum minContains minItems minLength minProperties minimum multipleOf not oneOf pattern
  patternProperties prefixItems properties propertyNames readOnly required then title type unevaluatedItems
  unevaluatedProperties uniqueItems writeOnly dependencies additionalItems]], "%S+") do KEYWORDS[name] = true end

-- Texts that somebody would write for a type, and the schema that they mean.
local TYPE_NAMES = {
  string = "s.string()", number = "s.number()", integer = "s.integer()", boolean = "s.boolean()", null = "s.null()",
  object = "s.object { … }", table = "s.object { … }", array = "s.array(…)", any = "s.any()",
}

-- Keywords that apply to the schema as a whole when it is wrapped to accept null.
local OUTER = { "description", "default" }

local MAX_LAZY = 1000
-- Deeper than any JSON that the host reads.
local MAX_DEPTH = 300

local compile

--- The value of a keyword with the schemas in it compiled.
local function compile_under(key, value, scope, role)
  if objects.state(value) or type(value) == "table" and (role == "schema" or not LITERAL[key]) then
    return compile(value, scope, false, role)
  end
  return value
end

--- What a lazy schema stands for in the end, and every other schema itself; lazy ones that only name each other stand
--- for nothing more.
local function made(schema)
  for _ = 1, MAX_LAZY do
    local make = objects.state(schema).json["$lazy"]
    if not make then break end
    schema = make()
  end
  return schema
end

--- Whether a missing field of an object is no problem; a Lua table cannot tell a null field from a missing one.
local function may_be_missing(field, seen)
  field = made(field)
  -- A union that is an option of its own adds nothing.
  if seen and seen[field] then return false end
  local state = objects.state(field)
  local json, extension = state.json, state.extension
  if extension.optional or extension.nullable or json.default ~= nil then return true end
  if state.kind == "any" or state.kind == "null" then return true end
  if state.kind == "json" then return json["$raw"].default ~= nil end
  if state.kind == "union" then
    seen = seen or {}
    seen[field] = true
    for _, option in ipairs(json.anyOf) do
      if may_be_missing(option, seen) then return true end
    end
  end
  return false
end

local function compile_extension(extension, scope)
  local result = {}
  for _, key in ipairs(errors.names(extension)) do
    local value = extension[key]
    if key == "functions" then
      local list = {}
      for index, entry in ipairs(value) do
        list[index] = {
          refine = entry.refine and slots.slot_of_two(entry.refine), message = entry.message, path = entry.path,
          transform = entry.transform and slots.slot(entry.transform),
        }
      end
      result[key], scope.calls = list, true
    elseif key ~= "nullable" then
      result[key] = value
    end
  end
  return next(result) and result or nil
end

--- Whether a raw schema points into itself: such a one needs an identity of its own inside another.
local function has_local_reference(raw)
  for key, value in pairs(raw) do
    if (key == "$ref" or key == "$dynamicRef") and type(value) == "string" and find(value, "^#") then return true end
    if type(value) == "table" and not objects.state(value) and not LITERAL[key] and has_local_reference(value) then
      return true
    end
  end
  return false
end

local NO_KEYWORD = "'%s' is no keyword of JSON Schema: for an object with that field write s.object { %s = %s }"

--- Refuses a raw table that cannot be meant as JSON Schema: `{ n = "number" }`, or keywords that are the library's own.
local function expect_keywords(raw, keys)
  local is_known = false
  for _, key in ipairs(keys) do
    if key == "x-aikit" then misuse("'x-aikit' is the library's own keyword: make the schema with aikit.schema") end
    is_known = is_known or KEYWORDS[key] or type(key) == "string" and find(key, "^[%$x]%-?") ~= nil
  end
  for _, key in ipairs(keys) do
    local value = raw[key]
    local name = type(value) == "string" and not KEYWORDS[key] and TYPE_NAMES[value]
    if name and type(key) == "string" then
      misuse(NO_KEYWORD, key, key, name)
    end
  end
  if type(keys[1]) == "string" and not is_known then
    misuse(NO_KEYWORD, keys[1], keys[1], "…")
  end
end

--- A table of JSON Schema; it may hold schemas of ours anywhere. `role` says what the table is: a "schema", a "map" or
--- a "list" of schemas; nil where it is none of them.
local function compile_raw(raw, scope, is_root, role)
  local result, only_schemas = {}, true
  local keys = errors.ordered_keys(raw)
  for _, key in ipairs(keys) do
    local value = raw[key]
    only_schemas = only_schemas and objects.state(value) ~= nil and type(key) == "string" and not HOLDS_SCHEMA[key]
    result[key] = compile_under(key, value, scope, role_under(key, role))
  end
  if getmetatable(raw) == "array" then setmetatable(result, bridge.array_metatable) end
  if is_root and only_schemas and keys[1] then
    misuse("a table of schemas is not a schema: write s.object { %s = … }", keys[1])
  end
  if role == "schema" then expect_keywords(raw, keys) end
  return result
end

local function embedded(raw, scope, is_root)
  local result = compile_raw(raw, scope, is_root, "schema")
  if not is_root and result["$id"] == nil and has_local_reference(raw) then
    scope.identities = scope.identities + 1
    result["$id"] = "urn:aikit:schema:" .. scope.identities
  end
  return result
end

--- The name of what a lazy schema stands for, compiled at the first mention into the root's `$defs`.
local function reference(make, scope)
  local target = make()
  local name = scope.names[target]
  if name == nil then
    scope.count = scope.count + 1
    if scope.count > MAX_LAZY then
      misuse("s.lazy makes a new schema each time and never ends: return one that you made before")
    end
    name = "lazy" .. scope.count
    scope.names[target] = name
    -- It stands beside the root, not where it is mentioned.
    local depth = scope.depth
    scope.depth = 0
    scope.defs[name] = compile(target, scope)
    scope.depth = depth
  end
  return "#/$defs/" .. name
end

local function compile_object(json, result, scope)
  local properties, required = {}, {}
  for _, name in ipairs(errors.names(json.properties)) do
    local field = json.properties[name]
    properties[name] = compile(field, scope)
    if not may_be_missing(field) then required[#required + 1] = name end
  end
  result.properties, result.required = properties, required[1] and required
end

--- The schema, or null.
local function or_null(result)
  local is_simple = not (result.enum or result.anyOf or result.allOf or result["x-aikit"])
  if is_simple and type(result.type) == "string" then
    result.type = { result.type, "null" }
    return result
  end
  local outer = { anyOf = { result, { type = "null" } } }
  for _, key in ipairs(OUTER) do outer[key], result[key] = result[key], nil end
  return outer
end

--- Whether a tuple has items with a default.
local function fills(json)
  for _, item in ipairs(json.prefixItems or {}) do
    local state = objects.state(item)
    if state and state.json and state.json.default ~= nil then return true end
  end
  return false
end

local function compile_schema(state, scope, is_root)
  local json, extension, result = state.json, state.extension, {}
  if json["$raw"] then result = embedded(json["$raw"], scope, is_root and not state.extension.nullable) end
  for _, key in ipairs(errors.names(json)) do
    local value = json[key]
    if key == "properties" then
      compile_object(json, result, scope)
    elseif key == "$lazy" then
      result["$ref"] = reference(value, scope)
      -- Whether a value may be missing, and what stands in for it, is looked for beside the reference, not behind it.
      local own = objects.state(made(value()))
      if json.default == nil then result.default = (own.json["$raw"] or own.json).default end
      if own.extension.optional then
        extension = part "schema_core".copy(extension)
        extension.optional = true
      end
    elseif key ~= "$raw" then
      result[key] = compile_under(key, value, scope)
    end
  end
  local default = json.default
  if json["$lazy"] then default = result.default end
  -- The empty mark makes the host insist on the format, which plain JSON Schema only notes, and use the default of a
  -- whole value and of the items of a tuple.
  local is_marked = json.format or is_root and default ~= nil and not state.extension.nullable or fills(json)
  result["x-aikit"] = compile_extension(extension, scope) or is_marked and {} or nil
  if not state.extension.nullable then return result end
  local outer = or_null(result)
  if is_root and outer.default ~= nil then outer["x-aikit"] = outer["x-aikit"] or {} end
  return outer
end

--- Any value under a keyword: a schema, or a table that may hold some.
function compile(value, scope, is_root, role)
  scope.depth = scope.depth + 1
  if scope.depth > MAX_DEPTH then
    misuse("a schema holds itself, or is nested deeper than %d: write s.lazy(function() return tree end)", MAX_DEPTH)
  end
  local state = objects.state(value)
  local result
  if state and state.json then
    result = compile_schema(state, scope, is_root)
  else
    result = compile_raw(value, scope, is_root, role)
  end
  scope.depth = scope.depth - 1
  return result
end

--- The JSON Schema of a schema or of a raw table, and whether it calls functions; `key` names where it stands.
local function compiled(_, schema, key)
  local state = objects.state(schema)
  if state and not state.json then misuse("%s is %s, not a schema", key, errors.kind(schema)) end
  local scope = { names = {}, defs = {}, count = 0, depth = 0, identities = 0, calls = false }
  local result = compile(schema, scope, true, "schema")
  if next(scope.defs) then
    local defs = result["$defs"] or {}
    for name, definition in pairs(scope.defs) do defs[name] = definition end
    result["$defs"] = defs
  end
  return result, scope.calls
end

return setmetatable({ role_under = role_under }, { __call = compiled })
