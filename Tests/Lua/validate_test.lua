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
  schema:max(9):parse(1)
  equal(compiled, 2)
end)

test("issues come back from every way to validate", function()
  local bridge = new_bridge()
  local schema = bridge.aikit.schema.object { a = bridge.aikit.schema.array() }
  local issues = {
    { path = { "a", 2 }, code = "too_small", message = "expected 1 or more, got 0" },
    { path = {}, code = "custom", message = "no" },
  }
  bridge.answers.schema_validate = { issues = issues }
  local answer = schema:safe_parse {}
  equal(answer, { success = false, issues = issues, message = "a[2]: expected 1 or more, got 0 (and 1 more)" })
  local fits, list = schema:validate {}
  equal(fits, false)
  equal(list, issues)
  local raised = raises(function() schema:parse {} end, "a[2]: expected 1 or more")
  equal(raised.code, "invalid_value")
  equal(raised.details.issues, issues)
end)

test("the functions of a schema run on what they belong to", function()
  local bridge = new_bridge()
  local s = bridge.aikit.schema
  local schema = s.object {
    name = s.string():refine(function(text) return #text > 2 end, "is too short"),
    tags = s.array(s.string():transform(string.upper)),
  }:transform(function(user) return user.name .. ":" .. table.concat(user.tags, ",") end)
  schema:json_schema()
  local json = schema:json_schema()
  local check_slot = json.properties.name["x-aikit"].refine[1].slot
  local upper = json.properties.tags.items["x-aikit"].transform[1]
  local join = json["x-aikit"].transform[1]
  local function answer(name)
    bridge.answers.schema_validate = {
      value = { name = name, tags = { "a", "b" } },
      pending = {
        { slot = check_slot, path = { "name" }, message = "is too short" },
        { slot = upper, path = { "tags", 1 }, transform = true },
        { slot = upper, path = { "tags", 2 }, transform = true },
        { slot = join, path = {}, transform = true },
      },
    }
    return schema:safe_parse {}
  end
  equal(answer "Ada", { success = true, data = "Ada:A,B" })
  local refused = answer "Al"
  equal(refused.message, "name: is too short")
  equal(refused.issues[1].code, "custom")
end)

test("a check may say why", function()
  local bridge = new_bridge()
  local schema = bridge.aikit.schema.string():refine(function(text) return false, text .. " is taken" end)
  local slot = schema:json_schema()["x-aikit"].refine[1].slot
  bridge.answers.schema_validate = { value = "ada", pending = { { slot = slot, path = {} } } }
  equal(schema:safe_parse("ada").message, "ada is taken")
end)
