-- `aikit.test`: what test files see. Loaded besides `aikit`, and only into the VM of a test file.
--
-- Loading a test file registers its tests; the host gets the tree of them from the collector and calls each function by
-- its slot, as a step of a run of its own, so that a test may wait for runs, for time and for HTTP as handlers do.
local bridge = ...
local part = bridge.library
local errors, objects, slots = part "errors", part "objects", part "slots"
local error, ipairs, pairs = error, ipairs, pairs
local setmetatable, tostring, type = setmetatable, tostring, type
local misuse = errors.misuse

-- Loads of the file register; afterwards the file is closed.
local is_loading = true

local function suite(name)
  return {
    kind = "suite", name = name, children = {},
    before_all = {}, after_all = {}, before_each = {}, after_each = {},
  }
end

local root = suite(nil)
local current = root

--- The slot of a function whose results nobody wants, so that they need not cross to the host.
local function slot_of(body) return slots.slot(function() body() end) end

local function open(what)
  if not is_loading then misuse("%s stands inside a test; it belongs beside it, into the file or a describe", what) end
end

local function named(what, name)
  if type(name) ~= "string" or name == "" then
    misuse('%s takes a name first, got %s: write %s("does something", function() … end)', what, errors.shown(name),
      what)
  elseif not utf8.len(name) then
    misuse("the name of %s is no text: its bytes are no UTF-8", what)
  end
end

local function add_suite(name, body, mark)
  open "describe"
  named("describe", name)
  errors.expect(body, "function", 'describe("name", function() … end)')
  local outer, inner = current, suite(name)
  if mark then inner[mark] = true end
  outer.children[#outer.children + 1] = inner
  current = inner
  body()
  current = outer
end

local function add_test(name, body, mark)
  open "it"
  named("it", name)
  local test = { kind = "test", name = name, where = bridge.where(1) }
  if body == nil then
    test.skip = true
  else
    test.slot = slot_of(errors.expect(body, "function", 'it("does something", function() … end)'))
  end
  if mark then test[mark] = true end
  current.children[#current.children + 1] = test
end

--- `describe` and `it`: functions with `.skip` and `.only`.
local function marked(add)
  return setmetatable({
    skip = function(name, body) add(name, body, "skip") end,
    only = function(name, body) add(name, body, "only") end,
  }, { __call = function(_, name, body) add(name, body) end, __metatable = "function" })
end

local test, expectations = part "testing_run", part "testing_expect"
test.describe, test.it, test.expect = marked(add_suite), marked(add_test), expectations.expect
for name, make in pairs(expectations.values) do test[name] = make end
local triggers = part "testing_triggers"
test.hook, test.schedule = triggers.hook, triggers.schedule
test.http, test.model, test.mcp = part "testing_http", part "testing_model", part "testing_mcp"
test.replay = part "testing_replay"
-- The other parts have taken them.
test.time_of, test.run_recorded = nil, nil
for _, hook in ipairs { "before_all", "after_all", "before_each", "after_each" } do
  test[hook] = function(body)
    open(hook)
    errors.expect(body, "function", hook .. "(function() … end)")
    local hooks = current[hook]
    hooks[#hooks + 1] = slot_of(body)
  end
end

--- Ends the test as failed.
function test.fail(message)
  error({ code = "expectation_failed", message = tostring(message or "failed") }, 0)
end

--- Ends the test as skipped: what it needs is not there.
function test.skip(reason)
  error({ code = "test_skipped", message = tostring(reason or "skipped") }, 0)
end

bridge.set_collect(function()
  is_loading = false
  return root
end)

local library = objects.namespace("aikit.test", test, nil, {
  ["()"] = 'it("does something", function() … end)', test = "it",
})
bridge.set_script_globals {
  describe = test.describe, it = test.it, expect = test.expect, test = library,
  before_all = test.before_all, after_all = test.after_all,
  before_each = test.before_each, after_each = test.after_each,
}
return library
