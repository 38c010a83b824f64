-- Arguments that a function cannot use, or of which it would use a part.
local check, new_bridge = require "check", require "bridge"
local test, equal, raises = check.test, check.equal, check.raises

local here = "arguments_test.lua:"

local function nothing() end

test("a list with a hole or a name in it is refused, as what lies behind would be lost", function()
  local bridge = new_bridge()
  local aikit = bridge.aikit
  local s, http, template = aikit.schema, aikit.http, aikit.text.template
  local ask = bridge.part "forms"
  local text = s.string()
  local object = s.object { a = text, b = text, c = text }
  local tool = aikit.tool { id = "t", handler = nothing }
  local model = aikit.model { provider = "openai", name = "m" }
  local field = ask.text { id = "a" }
  local calls = {
    function(list) return s.enum(list("a", "b")) end,
    function(list) return s.union(list(text, text)) end,
    function(list) return s.tuple(list(text, text)) end,
    function(list) return object:pick(list("a", "b")) end,
    function(list) return object:omit(list("a", "b")) end,
    function(list) return object:partial(list("a", "b")) end,
    function(list) return object:required(list("a", "b")) end,
    function(list) return http.post("https://a.example", { multipart = list({ name = "a", body = "" }, "b") }) end,
    function(list) return template("{{#rows}}{{.}}{{/rows}}", { rows = list("a", "b") }) end,
    function(list) return ask.select { id = "a", options = list("a", "b") } end,
    function(list) return ask.form { fields = list(field, field) } end,
    function(list) return aikit.mcp { command = list("a", "b") } end,
    function(list) return aikit.mcp { command = { "a" }, allow = list("a", "b") } end,
    function(list) return aikit.agent { id = "a", model = model, tools = list(tool, tool) } end,
    function(list) return aikit.agent { id = "a", model = model, tools = { tool }, approve = list("t", "t") } end,
    function(list) return aikit.requires { net = list("a", "b") } end,
    function(list) return model:embed { texts = list("a", "b") } end,
    function(list) return aikit.csv.format(list({ 1 }, { 2 })) end,
  }
  for index, call in ipairs(calls) do
    raises(function() local _ = call(function(a, b) return { a, nil, b } end) end, here, " is a list and has nil at 2")
    local _, why = pcall(call, function(a, b) return { a, other = b } end)
    equal({ index, tostring(why):find("is a list, it cannot have the key 'other'", 1, true) ~= nil }, { index, true })
  end
  raises(function() aikit.exec { "echo", nil, "a" } end, here, "has nil at 2")
  raises(function() aikit.exec { "echo", [0] = "a" } end, here, "cannot have the key 0")
  raises(function() http.post("https://a.example", { multipart = { [2] = "a" } }) end, here, "goes by its name, got 2")
  raises(function() s.union { a = text } end, here, "cannot have the key 'a'")
end)

test("numbers are sent with all their digits", function()
  local bridge = new_bridge()
  local aikit = bridge.aikit
  bridge.answers.http = { status = 200, headers = {} }
  bridge.answers.exec = { status = 0 }
  local number = 2.0 ^ 53
  aikit.http.post("https://a.example", {
    query = { n = number, list = { 0.1 + 0.2 } }, headers = { n = number }, body = number,
  })
  local sent = bridge.requests[1].payload
  equal({ sent.query.n, sent.query.list[1], sent.headers.n, sent.body },
    { "9007199254740992", "0.30000000000000004", "9007199254740992", "9007199254740992" })
  aikit.exec { "echo", number, stdin = number, env = { N = number } }
  local call = bridge.requests[2].payload
  equal({ call.argv[2], call.stdin, call.env.N }, { "9007199254740992", "9007199254740992", "9007199254740992" })
  aikit.fs.write("a", number)
  equal(bridge.requests[3].payload.data, "9007199254740992")
end)

test("bounds of schemas and values of enums are such as JSON Schema has", function()
  local s = new_bridge().aikit.schema
  local inf, nan = 1 / 0, 0 / 0
  for _, number in ipairs { -1, 1.5, inf, nan } do
    for _, schema in ipairs { s.string(), s.array(s.string()) } do
      for _, method in ipairs { "min", "max", "length" } do
        raises(function() schema[method](schema, number) end, here, "takes a whole number from 0 on, got ")
      end
    end
  end
  for _, number in ipairs { inf, -inf, nan } do
    for _, method in ipairs { "min", "max", "gt", "lt" } do
      raises(function() s.number()[method](s.number(), number) end, here, method .. " takes a finite number")
    end
    raises(function() s.literal(number) end, here, "a literal is")
    raises(function() s.enum { "a", number } end, here, "an enum has", "at 2")
  end
  for _, number in ipairs { 0, -1, nan } do
    raises(function() s.number():multiple_of(number) end, here, "a number above 0")
  end
  raises(function() s.enum { {} } end, here, "got a table at 1")
  raises(function() s.json "{" end, here, "s.json: ")
  s.string():min(0):max(2.0)
  s.enum { 1, "a", true }
end)

test("options and fields of the wrong type are refused at the line of the script", function()
  local aikit = new_bridge().aikit
  raises(function() aikit.json.encode({}, true) end, here, "aikit.json.encode takes a table of options, got a boolean")
  raises(function() aikit.http.get("https://a.example", 5) end, here, "expected a table, got a number")
  raises(function() aikit.http.get("https://a.example", false) end, here, "expected a table, got a boolean")
  raises(function() aikit.log.info("a", 5) end, here, "aikit.log.info takes a table of fields", "got a number")
  raises(function() aikit.fail { message = "a", retryable = "no" } end, here, "`retryable` takes true or false",
    "got 'no'")
  raises(function() aikit.fail { code = {} } end, here, "`code` takes a text, got a table")
  raises(function() aikit.crypto.random_bytes(1.5) end, here, "got 1.5")
  raises(function() aikit.sleep(-1) end, here, "got -1")
end)

test("times beyond the years 0 to 9999 are none, in any zone", function()
  local time = new_bridge().aikit.time
  raises(function() time.of({ year = 0 }, "+05:00") end, here, "not of the years 0 to 9999")
  raises(function() time.parse "9999-12-31T23:59:59-12:00" end, "not of the years 0 to 9999")
  equal(time.format(time.of({ year = 0 }, "-05:00")), "0000-01-01T05:00:00Z")
  raises(function() time.parse("999999999999", "%s") end, "not of the years 0 to 9999")
  raises(function() time.format(253402300799999, nil, "+14:00") end, here, "the year is 10000")
  raises(function() time.format(-62167219200000, nil, "-12:00") end, here, "the year is -1")
  for _, at in ipairs { -62167219200000, -1000, 0, 253402300799000 } do
    equal(time.parse(time.format(at, "%s"), "%s"), at)
  end
end)

test("a default that JSON cannot hold is refused where it stands", function()
  local bridge = new_bridge()
  function bridge.encode(value, root)
    if value ~= value then error({ code = "invalid_argument", message = root .. " is not a number (NaN)" }, 0) end
    return tostring(value)
  end
  local s = bridge.aikit.schema
  raises(function() s.number():default(0 / 0) end, here, ":default: the value is not a number (NaN)")
  s.number():default(1)
end)

test("a message calls a value by its noun", function()
  local errors = new_bridge().part "errors"
  equal(errors.a "union schema", "a union schema")
  equal(errors.a "object schema", "an object schema")
  equal(errors.a "unknown", "an unknown")
  equal(errors.kind(io.stderr), "a userdata")
  equal(errors.kind {}, "a table")
end)

test("a schema that holds itself without s.lazy is refused, and a union of itself ends", function()
  local bridge = new_bridge()
  local s = bridge.aikit.schema
  local raw = {}
  raw.properties = { a = raw }
  raises(function() s.json(raw):safe_parse {} end, here, "a schema holds itself")
  local mixed = { properties = {} }
  mixed.properties.a = s.object { x = mixed }
  raises(function() s.json(mixed):safe_parse {} end, here, "a schema holds itself")
  local union
  union = s.union { s.lazy(function() return union end), s.string() }
  equal(s.object { a = union }:json_schema().required, { "a" })
end)
