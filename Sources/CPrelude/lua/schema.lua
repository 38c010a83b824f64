-- `aikit.schema`: what a value must look like, said in Lua and kept as JSON Schema.
local bridge, part = ...
local errors, objects, core = part "errors", part "objects", part "schema_core"
local ipairs, pcall, tostring, type = ipairs, pcall, tostring, type
local misuse, expect, shown = errors.misuse, errors.expect, errors.shown
local new, expect_schema, expect_schemas = core.new, core.expect_schema, core.expect_schemas
part "schema_methods"

local s = {}

for _, name in ipairs { "string", "number", "integer", "boolean", "null" } do
  s[name] = function(given)
    if given ~= nil then
      misuse("s.%s takes nothing, got %s: write s.%s() and add its methods, such as :optional()", name,
        errors.kind(given), name)
    end
    return new(name, { type = name })
  end
end

function s.any() return new("any", {}) end

--- Whether JSON has the value, and it is the same when it comes back.
local function is_plain(value)
  local kind = type(value)
  return kind == "string" or kind == "boolean" or kind == "number" and value - value == 0
end

function s.literal(value)
  if value == nil or value == bridge.null then return s.null() end
  if not is_plain(value) then misuse("a literal is a string, a number or a boolean, got %s", shown(value)) end
  return new("literal", { const = value })
end

function s.enum(values)
  local list = core.copy(expect(values, "table", 's.enum { "one", "two" }'))
  if errors.count(list, "what goes into s.enum") == 0 then
    misuse('an enum needs at least one value: write s.enum { "one", "two" }')
  end
  for index, value in ipairs(list) do
    if not is_plain(value) and value ~= bridge.null then
      misuse("an enum has strings, numbers and booleans, got %s at %d", shown(value), index)
    end
  end
  return new("enum", { enum = list })
end

function s.array(item)
  return new("array", { type = "array", items = item ~= nil and expect_schema(item, "s.array(s.string())") or nil })
end

--- Optional items may be left out at the end, so that those before the last one that is needed are needed too.
function s.tuple(items)
  local list = expect_schemas(items, "s.tuple { s.string(), s.number() }")
  local needed = #list
  while needed > 0 and core.may_be_absent(list[needed]) do needed = needed - 1 end
  return new("tuple", { type = "array", prefixItems = list[1] and list, items = false, minItems = needed })
end

function s.object(fields)
  expect(fields, "table", "s.object { name = s.string() }")
  local properties = {}
  for name, field in errors.each(fields) do
    if type(name) ~= "string" then misuse("a field of an object has a name, got %s", errors.kind(name)) end
    properties[name] = expect_schema(field, "s.object { " .. name .. " = s.string() }")
  end
  return new("object", { type = "object", properties = properties }, { unknown = "strip" })
end

function s.record(key, value)
  local usage = "s.record(s.number()) or s.record(s.string():min(2), s.number())"
  if value == nil then key, value = nil, key end
  return new("record", {
    type = "object",
    propertyNames = key and expect_schema(key, usage), additionalProperties = expect_schema(value, usage),
  })
end

local function union_of(options, usage, extension)
  local list = expect_schemas(options, usage)
  if #list == 0 then misuse("a union needs at least one schema: write %s", usage) end
  return new("union", { anyOf = list }, extension), list
end

function s.union(options)
  return (union_of(options, "s.union { s.string(), s.number() }"))
end

function s.discriminated_union(field, options)
  local usage = 's.discriminated_union("type", { s.object { type = s.literal "a" }, … })'
  expect(field, "string", usage)
  local union, list = union_of(options, usage, { discriminator = field })
  local owners = {}
  for index, option in ipairs(list) do
    local state = objects.state(option)
    if state and state.class == core.class.object then
      local tag = objects.state(state.json.properties[field])
      if not tag or tag.json.const == nil and not tag.json.enum then
        misuse("option %d of the union has no literal or enum in its field '%s'", index, field)
      end
      for _, value in ipairs(tag.json.enum or { tag.json.const }) do
        if owners[value] then
          misuse("options %d and %d of the union both have %q in their field '%s': only the first could be chosen",
            owners[value], index, tostring(value), field)
        end
        owners[value] = index
      end
    end
  end
  return union
end

function s.intersection(left, right)
  local usage = "s.intersection(left, right)"
  return core.intersect(expect_schema(left, usage), expect_schema(right, usage))
end

-- The schema that `make` gives is asked for once, when the whole is compiled: by then it may hold itself.
function s.lazy(make)
  local usage = "s.lazy(function() return tree end)"
  expect(make, "function", usage)
  local made
  return new("lazy", {
    ["$lazy"] = function()
      made = made or expect_schema(make(), usage)
      return made
    end,
  })
end

function s.json(schema)
  if type(schema) == "string" then
    local ok, decoded = pcall(bridge.decode_json, schema)
    if not ok then misuse("s.json: %s", errors.text(decoded)) end
    schema = decoded
  end
  if type(schema) == "boolean" then schema = schema and {} or { ["not"] = {} } end
  return expect_schema(schema, 's.json { type = "string" }')
end

local coerce = {}
for _, name in ipairs { "string", "number", "integer", "boolean" } do
  coerce[name] = function() return core.extend(s[name](), "coerce", true) end
end
s.coerce = objects.namespace("aikit.schema.coerce", coerce)

return objects.namespace("aikit.schema", s, nil, {
  int = "integer", float = "number", bool = "boolean", str = "string", list = "array", dict = "record", map = "record",
})
