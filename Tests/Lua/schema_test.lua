local check, new_bridge = require "check", require "bridge"
local test, equal, raises = check.test, check.equal, check.raises

local bridge = new_bridge()
local s = bridge.aikit.schema
--- What the host gets of a schema.
local function json(schema) return (bridge.library "compile"(schema)) end

test("simple schemas are JSON Schema", function()
  equal(json(s.string():min(1):max(5)), { type = "string", minLength = 1, maxLength = 5 })
  equal(json(s.number():min(0):lt(10):multiple_of(0.5)),
    { type = "number", minimum = 0, exclusiveMaximum = 10, multipleOf = 0.5 })
  equal(json(s.integer():positive()), { type = "integer", exclusiveMinimum = 0 })
  equal(json(s.integer():safe()), { type = "integer", minimum = -9007199254740991, maximum = 9007199254740991 })
  equal(json(s.number():finite()), { type = "number" })
  equal(json(s.boolean()), { type = "boolean" })
  equal(json(s.null()), { type = "null" })
  equal(json(s.any()), {})
  equal(json(s.literal "a"), { const = "a" })
  equal(json(s.literal(nil)), { type = "null" })
  equal(json(s.enum { "a", 2 }), { enum = { "a", 2 } })
  equal(json(s.array(s.string()):min(1):unique():contains(s.literal "x")),
    { type = "array", items = { type = "string" }, minItems = 1, uniqueItems = true, contains = { const = "x" } })
  equal(json(s.string():array():nonempty()), { type = "array", items = { type = "string" }, minItems = 1 })
  equal(json(s.record(s.number())), { type = "object", additionalProperties = { type = "number" } })
  equal(json(s.record(s.string():min(2), s.any())),
    { type = "object", additionalProperties = {}, propertyNames = { type = "string", minLength = 2 } })
  equal(json(s.tuple { s.string(), s.number() }),
    { type = "array", prefixItems = { { type = "string" }, { type = "number" } }, items = false, minItems = 2 })
  equal(json(s.tuple { s.string() }:rest(s.number())).items, { type = "number" })
  equal(json(s.union { s.string(), s.number() }), { anyOf = { { type = "string" }, { type = "number" } } })
  equal(json(s.coerce.number():min(1)), { type = "number", minimum = 1, ["x-aikit"] = { coerce = true } })
end)

test("formats and patterns of strings", function()
  equal(json(s.string():email()), { type = "string", format = "email", ["x-aikit"] = {} })
  equal(json(s.string():datetime()).format, "date-time")
  equal(json(s.string():ip()).format, "ip")
  equal(json(s.string():ip "v6").format, "ipv6")
  equal(json(s.string():starts_with "a.b"), { type = "string", pattern = "^a\\.b" })
  equal(json(s.string():starts_with "a":ends_with "z":includes "?"),
    { type = "string", pattern = "^a", allOf = { { pattern = "z$" }, { pattern = "\\?" } } })
  equal(json(s.string():base64()).format, "base64")
  equal(json(s.string():trim():lower())["x-aikit"], { trim = true, lower = true })
end)

test("a field of an object is required unless it may be missing", function()
  equal(json(s.object {
    a = s.string(), b = s.string():optional(), c = s.string():default "x", d = s.string():nullable(), e = s.any(),
    f = s.union { s.string(), s.null() }, g = { type = "string" },
  }), {
    type = "object", required = { "a", "g" }, ["x-aikit"] = { unknown = "strip" },
    properties = {
      a = { type = "string" }, b = { type = "string", ["x-aikit"] = { optional = true } },
      c = { type = "string", default = "x" }, d = { type = { "string", "null" } }, e = {},
      f = { anyOf = { { type = "string" }, { type = "null" } } }, g = { type = "string" },
    },
  })
end)

test("objects are strict, open, or have a schema for the rest", function()
  local base = s.object { a = s.any() }
  equal(json(base:strict()).additionalProperties, false)
  equal(json(base:strict())["x-aikit"].unknown, "strict")
  equal(json(base:passthrough())["x-aikit"].unknown, "passthrough")
  equal(json(base:passthrough()).additionalProperties, nil)
  equal(json(base:strict():strip()), json(base))
  equal(json(base:catchall(s.number())).additionalProperties, { type = "number" })
end)

test("objects are made out of objects", function()
  local user = s.object { id = s.integer(), name = s.string(), mail = s.string():optional() }
  equal(json(user:pick { "id" }).properties, { id = { type = "integer" } })
  equal(json(user:omit { "id", "mail" }).required, { "name" })
  equal(json(user:partial()).required, nil)
  equal(json(user:partial { "id" }).required, { "name" })
  equal(json(user:required()).required, { "id", "mail", "name" })
  equal(json(user:partial():required { "id" }).required, { "id" })
  equal(json(user:extend { age = s.number() }).required, { "age", "id", "name" })
  equal(json(user:merge(s.object { id = s.string() }:strict())).properties.id, { type = "string" })
  equal(json(user:merge(s.object { id = s.string() }:strict())).additionalProperties, false)
  equal(json(user:keyof()), { enum = { "id", "mail", "name" } })
  local both = json(s.intersection(user, s.object { id = s.number():min(1), tag = s.string() }))
  equal(both.required, { "id", "name", "tag" })
  equal(both.properties.id, { allOf = { { type = "integer" }, { type = "number", minimum = 1 } } })
  local either = s.union { s.object { a = s.string() }, s.object { b = s.string() } }
  local distributed = json(s.intersection(either, s.object { c = s.string() })).anyOf
  equal(distributed[1].required, { "a", "c" })
  equal(distributed[2].required, { "b", "c" })
  equal(json(s.intersection(s.object { c = s.string() }, either)).anyOf[2].required, { "b", "c" })
  equal(json(s.intersection(s.string(), s.enum { "a" })), { allOf = { { type = "string" }, { enum = { "a" } } } })
end)

test("a schema never changes", function()
  local name = s.string()
  local short = name:max(3)
  equal(json(name), { type = "string" })
  equal(json(short), { type = "string", maxLength = 3 })
  local user = s.object { a = s.string() }
  user:extend { b = s.string() }
  user:partial()
  equal(json(user).required, { "a" })
  equal(json(user).properties.b, nil)
  raises(function() name.min = nil end, "schema_test.lua:", "changed copy")
end)

test("null is accepted beside the rest", function()
  equal(json(s.string():nullable():describe "d"), { type = { "string", "null" }, description = "d" })
  equal(json(s.string():secret()), { type = "string", writeOnly = true })
  equal(json(s.enum { "a" }:nullable():default "a"),
    { anyOf = { { enum = { "a" } }, { type = "null" } }, default = "a", ["x-aikit"] = {} })
  equal(json(s.string():trim():nullable()).anyOf[1], { type = "string", ["x-aikit"] = { trim = true } })
end)

test("functions of a schema get slots", function()
  local fresh = new_bridge()
  local t = fresh.aikit.schema
  local function even(n) return n % 2 == 0 end
  local schema = t.integer():refine(even, "must be even"):transform(tostring)
  local compiled = fresh.library "compile"(schema)
  equal(compiled["x-aikit"], { functions = { { refine = 2, message = "must be even" }, { transform = 3 } } })
  equal({ fresh.functions[2], fresh.functions[3] }, { even, tostring })
end)

test("functions of a schema keep their order", function()
  local schema = s.string():transform(tonumber):refine(function() return true end):transform(tostring)
  local steps = json(schema)["x-aikit"].functions
  equal({ steps[1].transform ~= nil, steps[2].refine ~= nil, steps[3].transform ~= nil }, { true, true, true })
end)

test("an object with fewer fields drops the functions that may need them", function()
  local range = s.object { low = s.number(), high = s.number() }:refine(function(r) return r.low <= r.high end)
  for method, names in pairs { pick = { "low" }, omit = { "low" }, partial = { "low" } } do
    equal(json(range[method](range, names))["x-aikit"].functions, nil)
  end
  equal(#json(range:required())["x-aikit"].functions, 1)
  equal(#json(range:extend { unit = s.string() })["x-aikit"].functions, 1)
end)

test("a table of words is no JSON Schema", function()
  raises(function() json { n = "number" } end, "'n' is no keyword of JSON Schema", "s.object { n = s.number() }")
  raises(function() json { type = "string", name = "string" } end, "'name' is no keyword", "{ name = s.string() }")
  raises(function() json { type = "array", items = { n = "integer" } } end, "'n' is no keyword")
  raises(function() json { anyOf = { { n = "integer" } } } end, "'n' is no keyword")
  raises(function() json { properties = { a = { limit = 3 } } } end, "'limit' is no keyword")
  equal(json { type = "object", properties = { n = { type = "number" } } }.properties.n, { type = "number" })
  equal(json { const = { n = "number" } }.const, { n = "number" })
  equal(json { ["$comment"] = "anything" }, { ["$comment"] = "anything" })
  equal(json { description = "anything", ["x-owner"] = "us" }["x-owner"], "us")
end)

test("the library's own keyword is not for scripts", function()
  raises(function() json { type = "string", ["x-aikit"] = { functions = { { transform = 1 } } } } end, "'x-aikit'")
  raises(function() json { allOf = { { ["x-aikit"] = {} } } } end, "'x-aikit'")
  equal(json { properties = { ["x-aikit"] = { type = "string" } } }.properties["x-aikit"], { type = "string" })
end)

test("schemas for others are plain JSON Schema", function()
  local user = s.object { name = s.string():trim():min(1), mail = s.string():email():optional() }
  equal(user:json_schema(), {
    type = "object", required = { "name" },
    properties = { name = { type = "string", minLength = 1 }, mail = { type = "string", format = "email" } },
  })
  equal(user:strict():json_schema().additionalProperties, false)
end)

test("the strict form closes objects and asks for every field", function()
  local user = s.object {
    name = s.string():min(1), age = s.integer():optional(), tags = s.array(s.enum { "a", "b" }):default {},
  }
  equal(user:json_schema { target = "openai" }, {
    type = "object", required = { "age", "name", "tags" }, additionalProperties = false,
    properties = {
      name = { type = "string" }, age = { type = { "integer", "null" } },
      tags = { type = { "array", "null" }, items = { enum = { "a", "b" } } },
    },
  })
  raises(function() s.record(s.number()):json_schema { target = "strict" } end, "keys of any name")
  raises(function() s.tuple { s.string() }:json_schema { target = "strict" } end, "a tuple cannot be said")
  raises(function() user:json_schema { target = "other" } end, 'target = "strict"')
end)

test("optional items at the end of a tuple may stay away", function()
  equal(json(s.tuple { s.string(), s.integer():optional() }).minItems, 1)
  equal(json(s.tuple { s.string(), s.integer():default(1), s.boolean():optional() }).minItems, 1)
  equal(json(s.tuple { s.string():optional(), s.integer() }).minItems, 2)
end)

test("a union is told apart by a field", function()
  local union = s.discriminated_union("type", {
    s.object { type = s.literal "cat", lives = s.integer() }, s.object { type = s.literal "dog" },
  })
  equal(json(union)["x-aikit"], { discriminator = "type" })
  equal(#json(union).anyOf, 2)
  raises(function() s.discriminated_union("type", { s.object { lives = s.integer() } }) end,
    "option 1", "no literal or enum in its field 'type'")
  raises(function()
    s.discriminated_union("type", { s.object { type = s.literal "a" }, s.object { type = s.enum { "b", "a" } } })
  end, "options 1 and 2", '"a"')
end)

test("a recursive schema refers to itself", function()
  local tree
  tree = s.object { value = s.integer(), children = s.array(s.lazy(function() return tree end)) }
  local result = json(tree)
  equal(result.properties.children, { type = "array", items = { ["$ref"] = "#/$defs/lazy1" } })
  equal(result["$defs"].lazy1.properties.children.items, { ["$ref"] = "#/$defs/lazy1" })
  local endless
  endless = function() return s.array(s.lazy(endless)) end
  raises(function() json(endless()) end, "never ends")
end)

test("raw JSON Schema stands wherever a schema does", function()
  equal(json(s.json { type = "string" }), { type = "string" })
  equal(json(s.json { type = "string" }:describe "d"), { type = "string", description = "d" })
  equal(json(s.array { type = "string" }).items, { type = "string" })
  equal(json(s.json { type = "array", items = s.string():min(1) }).items, { type = "string", minLength = 1 })
  equal(json(s.json { properties = { default = s.string() } }), { properties = { default = { type = "string" } } })
  local raw = { ["$ref"] = "#/$defs/x", ["$defs"] = { x = { type = "string" } } }
  equal(json(s.json(raw))["$id"], nil)
  equal(json(s.object { a = raw }).properties.a["$id"], "urn:aikit:schema:1")
  equal(json(s.object { a = raw }).properties.a["$ref"], "#/$defs/x")
end)

test("misuse of schemas says how it is written", function()
  raises(function() return s.strng() end, "schema_test.lua:", "did you mean 'aikit.schema.string'?")
  raises(function() s.string():positive() end, "a string schema has no 'positive'")
  raises(function() s.string():mn(1) end, "did you mean ':min'?")
  raises(function() s.object { a = s.string } end, "is `()` missing?")
  raises(function() s.object { a = "string" } end, "expected a schema, got a string: write s.object { a = s.string() }")
  raises(function() s.object { s.string() } end, "a field of an object has a name")
  raises(function() s.enum "a" end, "expected a table, got a string: write s.enum {")
  raises(function() s.enum {} end, "at least one value")
  raises(function() s.union(s.string()) end, "expected a list of schemas")
  raises(function() s.string():min "1" end, "expected a number", ":min(1)")
  raises(function() s.string():default() end, ":optional()")
  raises(function() s.object { a = s.any() }:pick { "b" } end, "no field 'b'")
  raises(function() s.object { a = s.any() }:merge {} end, "expected an object schema")
  raises(function() s.string().min(1) end, "call it with a colon: schema:min(…)")
  raises(function() s.string():ip "v5" end, '"v4", "v6"')
  raises(function()
    bridge.aikit.workflow { id = "w", input_schema = { city = s.string() } }:commit()
  end, "a table of schemas is not a schema: write s.object { city")
end)

test("definitions hold compiled schemas", function()
  local fresh = new_bridge()
  local t = fresh.aikit.schema
  fresh.aikit.workflow { id = "w", input_schema = t.string(), output_schema = { type = "number" } }
    :step { id = "a", handler = print, input_schema = t.object { a = t.string() } }
    :human { id = "h", response_schema = t.boolean() }
    :commit()
  local plan = fresh.plans[1]
  equal(plan.input_schema, { type = "string" })
  equal(plan.output_schema, { type = "number" })
  equal(plan.nodes[1].input_schema.required, { "a" })
  equal(plan.nodes[2].response_schema, { type = "boolean" })
end)

test("schemas that are called with a colon, or with what they do not take, are refused", function()
  for _, name in ipairs { "string", "any", "object", "array", "enum", "union", "tuple", "lazy", "literal", "json" } do
    raises(function() s[name](s, {}) end, "schema_test.lua:", "call it with a dot: s." .. name .. "(…)")
  end
  raises(function() s.coerce:integer() end, "call it with a dot: s.coerce.integer(…)")
  raises(function() s.string { min = 1 } end, "s.string takes nothing, got a table")
  raises(function() s.array { s.string() } end, "schema_test.lua:", "expected a schema, got a list",
    "write s.array(s.string())")
  raises(function() s.object { tags = { s.string() } } end, "got a list: write s.object { tags = s.string() }")
end)

test("names of other libraries lead to the methods of a schema", function()
  local function leads(schema, other, own)
    raises(function() return schema[other] end, "has no '" .. other .. "'", "write :" .. own)
  end
  leads(s.string(), "minLength", "min")
  leads(s.string(), "maxLength", "max")
  leads(s.string(), "regex", "pattern")
  leads(s.array(s.any()), "minItems", "min")
  leads(s.number(), "minimum", "min")
  leads(s.number(), "lte", "max")
  leads(s.object {}, "superRefine", "refine")
  raises(function() return s.string().startsWith end, "did you mean ':starts_with'?")
  raises(function() return s.string().optinal end, "did you mean ':optional'?")
end)

test("a lazy schema keeps that its value may be missing, and what stands in for it", function()
  local function lazy(schema) return s.lazy(function() return schema end) end
  local result = json(s.object {
    a = lazy(s.integer():default(3)), b = lazy(s.string():optional()), c = lazy(lazy(s.boolean():default(false))),
    d = lazy(s.string()), e = lazy(s.integer():default(3)):default(4), f = lazy(s.string():nullable()),
    g = lazy(s.json { type = "integer", default = 5 }),
  })
  equal(result.required, { "d" })
  local properties = result.properties
  equal({ properties.a.default, properties.c.default, properties.e.default, properties.g.default }, { 3, false, 4, 5 })
  equal(properties.b["x-aikit"], { optional = true })
  equal(properties.d, { ["$ref"] = properties.d["$ref"] })
  equal(json(lazy(s.integer():default(3)))["x-aikit"], {})
  local own
  own = s.lazy(function() return own end)
  equal(json(s.object { a = own }).required, { "a" })
  local checked = json(s.object { a = lazy(s.string():optional()):refine(print) }).properties.a["x-aikit"]
  equal({ checked.optional, #checked.functions }, { true, 1 })
end)

test("a default is of the schema's type, and empty lists in it stay lists", function()
  raises(function() s.integer():default "3" end, "schema_test.lua:", "an integer schema takes an integer, got a string")
  raises(function() s.integer():default(1.5) end, "takes an integer")
  raises(function() s.string():default(5) end, "a string schema takes a string, got a number")
  raises(function() s.boolean():default "true" end, "takes a boolean")
  raises(function() s.array(s.any()):default "a" end, "an array schema takes an array")
  raises(function() s.string().default("a", "b") end, "call it with a colon: schema:default(…)")
  raises(function() s.enum { "a", "b" }:default "c" end, "an enum schema takes what the schema lists, got 'c'")
  raises(function() s.literal(1):default(2) end, "a literal schema takes what the schema lists")
  equal(json(s.enum { "a", "b" }:default "b").default, "b")
  equal(json(s.coerce.integer():default "3").default, "3")
  equal(json(s.integer():nullable():default(bridge.null)).default, bridge.null)
  local function is_list(value) return getmetatable(value) == "array" end
  equal(is_list(json(s.array(s.string()):default {}).default), true)
  equal(is_list(json(s.tuple { s.string():optional() }:default {}).default), true)
  local schema = s.object { tags = s.array(s.string()), meta = s.object {} }
  local nested = json(schema:default { tags = {}, meta = {} }).default
  equal({ is_list(nested.tags), is_list(nested.meta), is_list(nested) }, { true, false, false })
  equal(is_list(s.array(s.string()):default {}:json_schema().default), true)
end)

test("an unknown target names those that there are", function()
  raises(function() s.string():json_schema { target = "stric" } end,
    '"strict"', '"openai"', "got 'stric'", "did you mean 'strict'?")
end)
