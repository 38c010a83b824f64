local check, new_bridge = require "check", require "bridge"
local test, equal, raises = check.test, check.equal, check.raises

test("a schema is compiled once and validates in the host", function()
  local bridge = new_bridge()
  local schema = bridge.aikit.schema.integer():min(1)
  local compiled = 0
  local compile = bridge.sync_ops.schema_compile
  bridge.sync_ops.schema_compile = function(json)
    compiled = compiled + 1
    return compile(json)
  end
  equal(schema:parse(5), 5)
  equal(schema:parse(6), 6)
  equal(compiled, 1)
  equal(bridge.compiled, { type = "integer", minimum = 1 })
  equal(bridge.validated, { schema = 7, value = 6 })
  bridge.aikit.schema.integer():min(1):parse(5)
  equal(compiled, 1)
  schema:max(9):parse(1)
  equal(compiled, 2)
end)

test("issues come back from every way to validate", function()
  local bridge = new_bridge()
  local schema = bridge.aikit.schema.object { a = bridge.aikit.schema.array() }
  local issues = { { path = "a[2]", code = "too_small", message = "must be at least 1 (got 0)" } }
  bridge.answers.schema_validate = { issues = issues, message = "a[2]: must be at least 1 (got 0)" }
  equal(schema:safe_parse {}, { success = false, issues = issues, message = "a[2]: must be at least 1 (got 0)" })
  local fits, list = schema:validate {}
  equal(fits, false)
  equal(list, issues)
  local raised = raises(function() schema:parse {} end, "a[2]: must be at least 1")
  equal(raised.code, "invalid_value")
  equal(raised.details.issues, issues)
end)

test("a schema that calls functions waits for the host", function()
  local bridge = new_bridge()
  local s = bridge.aikit.schema
  local schema = s.array(s.string():refine(function(text) return text ~= "", "must not be empty" end))
  bridge.answers.schema_validate = { value = { "x" } }
  equal(schema:parse { "x" }, { "x" })
  equal(bridge.requests, { { op = "schema_validate", payload = { schema = 7, value = { "x" } } } })
  equal(bridge.twos[bridge.library "compile"(schema).items["x-aikit"].functions[1].refine], true)
  equal(schema:transform(table.concat):validate {}, true)
  equal(#bridge.requests, 2)
end)
