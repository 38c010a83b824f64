-- The documentation and what is really there are the same.
local here = ...
local check, luals, new_bridge = require "check", require "luals", require "bridge"
local test, equal = check.test, check.equal

local bridge = new_bridge()
local aikit = bridge.aikit
local part = bridge.part
local sections = part "docs"

local by_name = {}
for _, section in ipairs(sections) do by_name[section.name] = section end

local function sorted(list)
  table.sort(list)
  return list
end

--- The names that a section describes.
local function described(name, what)
  local names = {}
  for _, entry in ipairs(by_name[name][what] or {}) do
    names[#names + 1] = type(entry) == "table" and entry[1] or entry:match "^[%w_]+"
  end
  return sorted(names)
end

local function names_of(set, kind)
  local names = {}
  for name, value in pairs(set) do
    if not kind or type(value) == kind then names[#names + 1] = name end
  end
  return sorted(names)
end

local function both(a, b)
  return sorted(table.move(b, 1, #b, #a + 1, a))
end

test("every function of the library is described, and no other", function()
  for name, namespace in pairs {
    aikit = aikit, ["aikit.http"] = aikit.http, ["aikit.crypto"] = aikit.crypto,
    ["aikit.csv"] = aikit.csv, ["aikit.env"] = aikit.env, ["aikit.fs"] = aikit.fs, ["aikit.text"] = aikit.text,
    ["aikit.time"] = aikit.time, ["aikit.json"] = aikit.json, ["aikit.log"] = aikit.log,
    ["aikit.schema"] = aikit.schema, ["aikit.schema.coerce"] = aikit.schema.coerce, ["aikit.Ask"] = part "forms",
  } do
    equal(described(name, "functions"), names_of(namespace, "function"))
    equal(both(described(name, "functions"), described(name, "fields")), names_of(namespace))
  end
end)

test("every method is described, and no other", function()
  local builder, methods, common = part "builder", part "schema_methods", part "schema_common"
  equal(described("aikit.Workflow", "methods"), names_of(builder.chain))
  equal(described("aikit.Committed", "methods"), names_of(builder.committed))
  equal(described("aikit.Context", "methods"), names_of(part "context"))
  equal(described("aikit.Schema", "methods"), names_of(common))
  local kinds = { String = "string", Number = "number", Array = "array", Tuple = "tuple", Object = "object" }
  for name, kind in pairs(kinds) do
    equal(described("aikit." .. name .. "Schema", "methods"), names_of(methods[kind]))
  end
end)

test("every key of a node that the library knows is described", function()
  for kind, keys in pairs(part("nodes").kinds) do
    local name = kind:gsub("^%l", string.upper):gsub("_(%l)", string.upper)
    local known = {}
    for _, key in ipairs(described("aikit." .. name .. "Config", "fields")) do known[key] = true end
    for key in pairs(keys) do assert(known[key], kind .. "." .. key) end
  end
end)

test("what test files see is described, and nothing else", function()
  local library = part "testing"
  for _, section in ipairs(part "docs_testing") do by_name[section.name] = section end
  local functions = {}
  for name, member in pairs(library) do
    local callable = type(member) == "function" or getmetatable(member) == "function"
    if callable then functions[#functions + 1] = name end
  end
  equal(described("aikit.test", "functions"), sorted(functions))
  local matchers = part("testing_expect").matchers
  equal(described("aikit.Expectation", "methods"), names_of(matchers))
  for name in pairs(bridge.script_globals) do assert(name == "test" or library[name], name) end
  local text = bridge.document "test-types"
  assert(load(text))
  assert(luals.check(text) > 60)
end)

test("a type that is named is described", function()
  local known = {}
  for _, section in ipairs(sections) do
    known[section.name] = true
    for _, alias in ipairs(section.aliases or {}) do known[alias:match "^%S+"] = true end
  end
  for name in bridge.document("types"):gmatch "aikit%.%u%w+" do assert(known[name], name) end
end)

test("examples of the documentation are Lua", function()
  local count = 0
  for _, section in ipairs(sections) do
    for _, list in ipairs { section.functions or {}, section.methods or {} } do
      for _, entry in ipairs(list) do
        local example = entry.example
        if example then
          count = count + 1
          if example:find "^:" then example = "return aikit.workflow {}" .. example end
          assert(load(example) or load("return " .. example), entry[1] .. ": " .. example)
        end
      end
    end
  end
  assert(count > 20)
end)

test("the stubs are Lua that defines every function", function()
  local text = bridge.document "types"
  assert(load(text))
  assert(text:find("---@meta aikit", 1, true))
  assert(text:find("function aikit_schema.string() end", 1, true))
  assert(text:find("---@param pattern? string", 1, true) == nil)
  for line in text:gmatch "[^\n]+" do
    assert(line:find "^%-%-%-" or line:find "^%-%- " or line:find "^local [%w_]+ = {}$"
      or line:find "^function [%w_]+[.:][%w_]+%([%w_, ]*%) end$" or line == "return aikit", line)
  end
end)

test("the annotations of the stubs are well formed", function()
  assert(luals.check(bridge.document "types") > 300)
  local refused = {
    "---@field x fun(", "---@field x? string|", "---@param x { a string } y", "---@return", "---@class a: ",
    "---@alias x string number", "---@nothing", "---@field x [string", "---@param ? string",
  }
  for _, line in ipairs(refused) do assert(not pcall(luals.check, line), line) end
end)

test("docs/reference.md is what the library says now", function()
  local file = io.open(here .. "../../docs/reference.md", "rb")
  local text = file and file:read "a"
  if file then file:close() end
  assert(text == bridge.document "reference", "make it again: lua5.4 Tests/Lua/run.lua --write-reference")
end)
