-- The types of a project for the Lua language server: one class for each schema of its committed workflows, so that
-- `input.` completes in a handler that says `---@param input Weather.Observe.Input`.
local _, part = ...
local errors = part "errors"
local ipairs, next, setmetatable, tostring, type = ipairs, next, setmetatable, tostring, type
local concat, sort = table.concat, table.sort
local utf8 = utf8
local find, format, gsub, match, upper = string.find, string.format, string.gsub, string.match, string.upper

local SIMPLE = {
  string = "string", number = "number", integer = "integer", boolean = "boolean", null = "nil", array = "any[]",
  object = "table",
}

-- Where the schemas of a node are, and what the class of each is called.
local SCHEMAS = { input_schema = "Input", output_schema = "Output", response_schema = "Response" }

local KEYWORDS = {}
for word in string.gmatch([[and break do else elseif end false for function goto if in local nil not or repeat return
  then true until while]], "%a+") do KEYWORDS[word] = true end

--- `fetch-weather` as `FetchWeather`.
local function camel(id)
  local name = gsub(gsub(id, "^%l", upper), "[^%w]+(%w?)", upper)
  return find(name, "^%a") and name or "_" .. name
end

-- The names that ids have got, by scope and then by id, and which of them are taken.
local names

--- The name of an id in a scope, always the same: ids that differ have names that differ.
local function name_of(scope, id)
  local known = names[scope]
  if not known then
    known = { ids = {}, taken = {} }
    names[scope] = known
  end
  local name = known.ids[id]
  if name then return name end
  name = camel(id)
  local base, number = name, 1
  while known.taken[name] do
    number = number + 1
    name = base .. "_" .. number
  end
  known.ids[id], known.taken[name] = name, true
  return name
end

--- A text as a literal on one line without quotes in it: what `%q` breaks and what does not show is escaped.
local function quoted(text)
  local plain = gsub(gsub(format("%q", text), "\\\n", "\\n"), '\\"', "\\x22")
  return (gsub(plain, "[\127\194-\244][\128-\191]*", function(char)
    local code = utf8.len(char) and utf8.codepoint(char)
    if code and code > 0x9F and not (code >= 0x200B and code <= 0x206F) and code ~= 0xFEFF then return char end
    return gsub(char, ".", function(byte) return format("\\x%02x", string.byte(byte)) end)
  end))
end

local function literal(value)
  if type(value) == "string" then return quoted(value) end
  if type(value) == "table" then return "table" end
  return tostring(value)
end

--- A text as it may stand in a comment: on one line.
local function one_line(text) return (gsub(text, "[%s%c]+", " ")) end

--- Types joined by `|`, each once.
local function union(list)
  local seen, result = {}, {}
  for _, item in ipairs(list) do
    if not seen[item] then
      seen[item] = true
      result[#result + 1] = item
    end
  end
  if seen.any or #result == 0 then return "any" end
  return concat(result, "|")
end

local type_of

--- The type in parentheses where it is a union and something follows.
local function grouped(text) return find(text, "|", 1, true) and "(" .. text .. ")" or text end

local function required_set(schema)
  local set = {}
  for _, name in ipairs(schema.required or {}) do set[name] = true end
  return set
end

--- Calls `visit(label, type, field)` for each property in order; the label of one that may be missing ends in "?".
local function each_field(schema, root, visit)
  local required = required_set(schema)
  for _, name in ipairs(errors.names(schema.properties or {})) do
    local field = schema.properties[name]
    local label = find(name, "^[%a_][%w_]*$") and not KEYWORDS[name] and name or "[" .. quoted(name) .. "]"
    local present = required[name] or field.default ~= nil
    visit(label .. (present and "" or "?"), type_of(field, root), field)
  end
end

local function object_type(schema, root)
  if not schema.properties or next(schema.properties) == nil then
    local rest = schema.additionalProperties
    return type(rest) == "table" and "table<string, " .. type_of(rest, root) .. ">" or "table"
  end
  local fields = {}
  each_field(schema, root, function(label, kind) fields[#fields + 1] = label .. ": " .. kind end)
  return "{ " .. concat(fields, ", ") .. " }"
end

local function array_type(schema, root)
  if schema.prefixItems then
    local list = {}
    for index, item in ipairs(schema.prefixItems) do list[index] = type_of(item, root) end
    return "[" .. concat(list, ", ") .. "]"
  end
  return type(schema.items) == "table" and grouped(type_of(schema.items, root)) .. "[]" or "any[]"
end

local function types_of(list, root)
  local result = {}
  for index, schema in ipairs(list) do result[index] = type_of(schema, root) end
  return union(result)
end

--- The type of a value that fits the schema; `root` names the classes of its `$defs`.
function type_of(schema, root)
  if type(schema) ~= "table" then return "any" end
  if schema["$ref"] then
    local name = match(schema["$ref"], "^#/%$defs/(.+)$")
    return name and root and root .. "." .. name_of(root, name) or "any"
  end
  if schema.const ~= nil then return literal(schema.const) end
  if schema.enum then
    local list = {}
    for index, value in ipairs(schema.enum) do list[index] = literal(value) end
    return union(list)
  end
  if schema.anyOf then return types_of(schema.anyOf, root) end
  if schema.oneOf then return types_of(schema.oneOf, root) end
  -- A transformation may return anything.
  local own = schema["x-aikit"]
  for _, step in ipairs(own and own.functions or {}) do
    if step.transform then return "any" end
  end
  if type(schema.type) == "table" then
    local list = {}
    for index, name in ipairs(schema.type) do
      local single = setmetatable({ type = name }, { __index = schema })
      list[index] = type_of(single, root)
    end
    return union(list)
  end
  if schema.type == "object" then return object_type(schema, root) end
  if schema.type == "array" then return array_type(schema, root) end
  if not schema.type and schema.allOf then return type_of(schema.allOf[1], root) end
  return SIMPLE[schema.type] or "any"
end

--- Appends a class (or, where the schema is no object, an alias) of that name; `root` has the classes of its `$defs`.
local function declare(out, name, schema, text, root)
  root = root or name
  out[#out + 1] = "---" .. one_line(schema.description or text)
  if schema.type == "object" and schema.properties and next(schema.properties) and not schema["$ref"] then
    out[#out + 1] = "---@class " .. name
    each_field(schema, root, function(label, kind, field)
      local note = field.description and " " .. one_line(field.description) or ""
      out[#out + 1] = "---@field " .. label .. " " .. kind .. note
    end)
  else
    out[#out + 1] = "---@alias " .. name .. " " .. type_of(schema, root)
  end
  out[#out + 1] = ""
  local definitions = schema["$defs"]
  for _, key in ipairs(errors.names(definitions or {})) do
    declare(out, name .. "." .. name_of(name, key), definitions[key], "A part of " .. name .. ".", root)
  end
end

local function declare_schemas(out, seen, prefix, node)
  for _, key in ipairs { "input_schema", "output_schema", "response_schema" } do
    local schema = node[key]
    local name = prefix .. "." .. SCHEMAS[key]
    -- The same node may stand in several places.
    if type(schema) == "table" and not seen[name] then
      seen[name] = true
      local of = node.kind == "workflow" and "the workflow" or "`" .. node.id .. "`"
      declare(out, name, schema, "The " .. SCHEMAS[key]:lower() .. " of " .. of .. ".")
    end
  end
end

local visit

local function visit_list(out, seen, prefix, list)
  for _, node in ipairs(list or {}) do visit(out, seen, prefix, node) end
end

--- Declares the schemas of a node and of all that it holds.
function visit(out, seen, prefix, node)
  if node.workflow then return end
  declare_schemas(out, seen, prefix .. "." .. name_of(prefix, node.id), node)
  for _, key in ipairs { "otherwise", "step" } do visit_list(out, seen, prefix, node[key]) end
  for _, key in ipairs { "cases", "branches" } do
    for _, entry in ipairs(node[key] or {}) do visit_list(out, seen, prefix, entry.body) end
  end
end

--- The classes for a list of committed definitions.
return function(definitions)
  names = {}
  local out, seen = { "---@meta", "-- The schemas of this project's workflows. Made by `aikit-lua types`.", "" }, {}
  sort(definitions, function(a, b) return a.id < b.id end)
  for _, definition in ipairs(definitions) do
    local prefix = name_of("", definition.id)
    declare_schemas(out, seen, prefix, definition)
    visit_list(out, seen, prefix, definition.nodes)
  end
  return concat(out, "\n")
end
