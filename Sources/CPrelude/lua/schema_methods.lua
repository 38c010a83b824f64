-- The methods of schemas by kind, and the classes made of them: each method returns a changed copy.
local _, part = ...
local errors, objects, core = part "errors", part "objects", part "schema_core"
local ipairs, pairs = ipairs, pairs
local gsub = string.gsub
local misuse, expect = errors.misuse, errors.expect
local state_of, extend = core.state_of, core.extend
local replace, constrain, expect_schema = core.replace, core.constrain, core.expect_schema

--- A method that takes a finite number as the value of a keyword; `fits` says whether it may be this one.
local function numeric(keyword, name, wanted, fits)
  return function(schema, value)
    state_of(schema)
    expect(value, "number", ":" .. name .. "(1)")
    if value - value ~= 0 or fits and not fits(value) then
      misuse(":%s takes %s, got %s", name, wanted or "a finite number", errors.shown(value))
    end
    return replace(schema, keyword, value)
  end
end

--- A method that takes a number of characters or items.
local function counting(keyword, name)
  return numeric(keyword, name, "a whole number from 0 on", function(value) return value >= 0 and value % 1 == 0 end)
end

--- A method without arguments that sets a keyword to one value.
local function fixed(keyword, value)
  return function(schema) return constrain(schema, keyword, value) end
end

--- The text as a regular expression that matches nothing else.
local function escaped(text, name)
  expect(text, "string", ":" .. name .. ' "text"')
  return (gsub(text, "[%^%$%(%)%.%[%]%*%+%?%{%}|\\]", "\\%0"))
end

local strings = {
  min = counting("minLength", "min"), max = counting("maxLength", "max"),
  email = fixed("format", "email"), url = fixed("format", "url"), uuid = fixed("format", "uuid"),
  datetime = fixed("format", "date-time"), date = fixed("format", "date"), time = fixed("format", "time"),
  base64 = fixed("format", "base64"),
}

function strings.length(schema, value) return strings.max(strings.min(schema, value), value) end
function strings.nonempty(schema) return replace(schema, "minLength", 1) end

function strings.pattern(schema, regex)
  return constrain(schema, "pattern", expect(regex, "string", ':pattern "^[a-z]+$" (ECMA-262, not a Lua pattern)'))
end

function strings.starts_with(schema, text) return constrain(schema, "pattern", "^" .. escaped(text, "starts_with")) end
function strings.ends_with(schema, text) return constrain(schema, "pattern", escaped(text, "ends_with") .. "$") end
function strings.includes(schema, text) return constrain(schema, "pattern", escaped(text, "includes")) end

function strings.ip(schema, version)
  if version ~= nil and version ~= "v4" and version ~= "v6" then misuse(':ip takes "v4", "v6" or nothing') end
  return constrain(schema, "format", version and "ip" .. version or "ip")
end

for _, name in ipairs { "trim", "lower", "upper" } do
  strings[name] = function(schema) return extend(schema, name, true) end
end

-- What a double holds without loss.
local MAX_SAFE = 0x1FFFFFFFFFFFFF

local numbers = {
  min = numeric("minimum", "min"), max = numeric("maximum", "max"),
  gt = numeric("exclusiveMinimum", "gt"), lt = numeric("exclusiveMaximum", "lt"),
  multiple_of = numeric("multipleOf", "multiple_of", "a number above 0", function(value) return value > 0 end),
  positive = fixed("exclusiveMinimum", 0), negative = fixed("exclusiveMaximum", 0),
  nonnegative = fixed("minimum", 0), nonpositive = fixed("maximum", 0),
}

function numbers.safe(schema) return constrain(constrain(schema, "minimum", -MAX_SAFE), "maximum", MAX_SAFE) end

--- No value that crosses to the host is infinite, so there is nothing to add.
function numbers.finite(schema)
  state_of(schema)
  return schema
end

local lists = {
  min = counting("minItems", "min"), max = counting("maxItems", "max"), unique = fixed("uniqueItems", true),
}

function lists.length(schema, value) return lists.max(lists.min(schema, value), value) end
function lists.nonempty(schema) return replace(schema, "minItems", 1) end
function lists.contains(schema, item)
  return constrain(schema, "contains", expect_schema(item, ":contains(s.string())"))
end

local tuples = {}

function tuples.rest(schema, item) return replace(schema, "items", expect_schema(item, ":rest(s.string())")) end

-- What JSON Schema and other libraries call a method.
local elsewhere = {
  minLength = "min", maxLength = "max", minItems = "min", maxItems = "max", minimum = "min", maximum = "max",
  min_length = "min", max_length = "max", min_items = "min", max_items = "max", gte = "min", lte = "max", ge = "min",
  le = "max", exclusiveMinimum = "gt", exclusiveMaximum = "lt", len = "length", size = "length", regex = "pattern",
  match = "pattern", matches = "pattern", uri = "url", toLowerCase = "lower", toUpperCase = "upper",
  lowercase = "lower", uppercase = "upper", contains = "includes", dateTime = "datetime",
  step = "multiple_of", uniqueItems = "unique", additionalProperties = "catchall", deepPartial = "partial",
  loose = "passthrough", opt = "optional", nullish = "nullable", description = "describe", title = "describe",
  meta = "describe", check = "refine", superRefine = "refine", preprocess = "transform", pipe = "transform",
  map = "transform", catch = "default", list = "array", toJSONSchema = "json_schema",
}

local methods = {
  string = strings, number = numbers, integer = numbers, array = lists, tuple = tuples, object = part "schema_object",
  boolean = {}, null = {}, any = {}, literal = {}, enum = {}, record = {}, union = {}, intersection = {}, lazy = {},
  json = {},
}
for kind, own in pairs(methods) do
  local all = core.copy(part "schema_common")
  for name, method in pairs(own) do all[name] = method end
  errors.with_colon(all, core.is_schema, "schema")
  core.class[kind] = objects.class(kind .. " schema", all, {}, ": each of its methods returns a changed copy")
  core.class[kind].elsewhere = elsewhere
end

return methods
