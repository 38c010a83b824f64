local check, new_bridge = require "check", require "bridge"
local test, equal = check.test, check.equal

local library = debug.getinfo(1, "S").source:match("^@(.*/)") .. "../../Sources/CPrelude/lua/"

--- How a session shows the values of a text.
local function shown(source)
  local bridge = new_bridge()
  local environment = setmetatable({ require = function() return bridge.aikit end }, { __index = _G })
  environment._G = environment
  assert(loadfile(library .. "repl.lua", "t", environment))()
  local handler = bridge.functions[bridge.plans[1].nodes[1].handler]
  return table.unpack(handler({ operation = "eval", source = source, name = "=repl" }).values)
end

test("a session shows the items of lists and the fields of tables", function()
  equal(shown "aikit.array { 1, { 2 } }", "{ 1, { 2 } }")
  equal(shown "{ list = aikit.array { 1 }, 'a' }", '{ "a", list = { 1 } }')
  equal(shown "aikit.array {}", "{}")
  equal(shown "aikit.log":match "^<aikit.log", "<aikit.log")
end)
