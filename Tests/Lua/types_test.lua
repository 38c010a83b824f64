local check, luals, new_bridge = require "check", require "luals", require "bridge"
local test, equal = check.test, check.equal

--- The lines that describe the schemas of a workflow with one step.
local function lines_of(make)
  local bridge = new_bridge()
  local definition = { id = "my-flow" }
  local schema = make(bridge.aikit.schema)
  bridge.aikit.workflow(definition):step { id = "a", input_schema = schema, handler = print }:commit()
  local lines = {}
  for line in bridge.functions[1]("classes", bridge.plans):gmatch "[^\n]+" do lines[#lines + 1] = line end
  assert(load(table.concat(lines, "\n")))
  assert(luals.check(table.concat(lines, "\n")) > 1)
  return { table.unpack(lines, 3) }
end

test("an object schema becomes a class", function()
  equal(lines_of(function(s)
    return s.object {
      city = s.string():describe "Where to look", days = s.integer():default(3), ["wind-speed"] = s.number():optional(),
      tags = s.array(s.union { s.string(), s.number() }), mood = s.enum { "good", "bad" }:nullable(),
      place = s.object { x = s.number(), y = s.number():optional() }, pair = s.tuple { s.string(), s.boolean() },
      counts = s.record(s.integer()), rest = s.any(),
    }
  end), {
    "---The input of `a`.",
    "---@class MyFlow.A.Input",
    "---@field city string Where to look",
    "---@field counts table<string, integer>",
    "---@field days integer",
    '---@field mood? "good"|"bad"|nil',
    "---@field pair [string, boolean]",
    "---@field place { x: number, y?: number }",
    "---@field rest? any",
    "---@field tags (string|number)[]",
    '---@field ["wind-speed"]? number',
  })
end)

test("a line break in a name or a value does not end a line of a stub", function()
  equal(lines_of(function(s) return s.object { ["a\nos.exit()"] = s.enum { "x\ny" } } end), {
    "---The input of `a`.",
    "---@class MyFlow.A.Input",
    [[---@field ["a\nos.exit()"] "x\ny"]],
  })
end)

test("other schemas become aliases", function()
  equal(lines_of(function(s) return s.array(s.string()):describe "Names" end),
    { "---Names", "---@alias MyFlow.A.Input string[]" })
  equal(lines_of(function(s) return s.string():transform(tonumber) end)[2], "---@alias MyFlow.A.Input any")
end)

test("a recursive schema names itself", function()
  equal(lines_of(function(s)
    local tree
    tree = s.object { children = s.array(s.lazy(function() return tree end)) }
    return tree
  end), {
    "---The input of `a`.",
    "---@class MyFlow.A.Input",
    "---@field children MyFlow.A.Input.Lazy1[]",
    "---A part of MyFlow.A.Input.",
    "---@class MyFlow.A.Input.Lazy1",
    "---@field children MyFlow.A.Input.Lazy1[]",
  })
end)

test("schemas are found in bodies", function()
  local bridge = new_bridge()
  local aikit = bridge.aikit
  local s = aikit.schema
  local step = aikit.step { id = "deep", output_schema = s.object { n = s.integer() }, handler = print }
  aikit.workflow { id = "w", input_schema = s.object { q = s.string() } }
    :foreach { id = "each", items = print, step = aikit.branch { id = "b", resolve = print, cases = { x = step } } }
    :parallel { id = "p", branches = { step } }
    :commit()
  local text = bridge.functions[1]("classes", bridge.plans)
  assert(text:find("---@class W.Input\n---@field q string", 1, true))
  local _, count = text:gsub("%-%-%-@class W.Deep.Output\n%-%-%-@field n integer", "")
  equal(count, 1)
end)

test("whatever ids, keys and texts hold, stubs parse and each schema has a name of its own", function()
  local bridge = new_bridge()
  local aikit = bridge.aikit
  local s = aikit.schema
  local function step(id) return { id = id, input_schema = s.object { [id] = s.string() }, handler = print } end
  aikit.workflow { id = "order-import", input_schema = s.enum { ",", "\n", '"', "\27", "\u{202E}", "\r" } }
    :step(step "a-b"):step(step "a.b"):step { id = "words", handler = print,
      input_schema = s.object { ["end"] = s.string(), ["a\nb"] = s.string():describe "two\nlines" } }
    :commit()
  aikit.workflow { id = "order.import", input_schema = s.object { n = s.integer() } }:step(step "a-b"):commit()
  local text = bridge.functions[1]("classes", bridge.plans)
  assert(load(text))
  assert(luals.check(text) > 1)
  for line in text:gmatch "[^\n]+" do assert(line:find "^%-%-", line) end
  assert(not text:find "[\0-\9\11-\31\127]")
  for _, name in ipairs { "OrderImport.AB.Input", "OrderImport.AB_2.Input", "OrderImport_2.Input" } do
    assert(text:find("---@class " .. name .. "\n", 1, true), name)
  end
  assert(text:find('---@field ["end"] string', 1, true))
end)
