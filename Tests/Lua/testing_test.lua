local check, new_bridge = require "check", require "bridge"
local test, equal, raises = check.test, check.equal, check.raises

local library = debug.getinfo(1, "S").source:match("^@(.*/)") .. "../../Sources/CPrelude/lua/"

--- A bridge whose runs end as `state` says, and the library of tests over it.
local function testing(state)
  local bridge = new_bridge()
  local started = { run = 1, result = { status = "success" }, events = {}, snapshots = {}, waiting = {} }
  for key, value in pairs(state or {}) do started[key] = value end
  bridge.answers["test.start"] = started
  return assert(loadfile(library .. "testing.lua"))(bridge), bridge
end

local function order(aikit)
  local function echo(input) return input end
  return aikit.workflow { id = "order" }
    :foreach { id = "each", items = echo, step = aikit.step { id = "price", handler = echo } }
    :branch {
      id = "size", resolve = echo,
      cases = { large = aikit.human { id = "approve" }, small = aikit.step { id = "pay", handler = echo } },
    }
    :wait_for { id = "payment", event = "paid" }
    :commit()
end

test("answers for a step that the workflow does not have are refused", function()
  local t, bridge = testing()
  local workflow = order(bridge.aikit)
  for _, name in ipairs { "approve", "size/approve", "each/price", "each[2]/price", "payment" } do
    equal(t.run(workflow, { answers = { [name] = true } }).status, "success")
  end
  raises(function() t.run(workflow, { answers = { aprove = true } }) end, "testing_test.lua:", "answers:",
    "'order' has no step 'aprove'", "did you mean 'approve'?")
  raises(function() t.run(workflow, { answers = { true } }) end, "has no step '1'")
  raises(function() t.run(workflow, { answers = { aprove = true }, mocks = { pay = 1 } }) end, "has no step 'aprove'")
end)

test("the clock of a run is a time from 1970 to 9999", function()
  local t, bridge = testing()
  local workflow = order(bridge.aikit)
  for _, clock in ipairs { 0, 1.5, 253402300799999, "1970-01-01", "2028-02-29 09:30", "9999-12-31T23:59:59Z" } do
    equal(t.run(workflow, { clock = clock }).status, "success")
  end
  for _, clock in ipairs {
    -1, 253402300800000, math.maxinteger, math.mininteger, math.huge, 0 / 0, "1969-12-31T23:59:59Z", true,
    "2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
  } do
    raises(function() t.run(workflow, { clock = clock }) end, "testing_test.lua:", "clock takes")
  end
end)

test("expectations about a step that the workflow does not have are refused", function()
  local t, bridge = testing { snapshots = { { path = "each[1]/price", stepId = "price" } } }
  local run = t.run(order(bridge.aikit))
  t.expect(run):ran "price"
  t.expect(run).never:ran "size/pay"
  t.expect(run).never:waits_for "paid"
  equal(run:step "approve", nil)
  raises(function() t.expect(run).never:ran "pai" end, "testing_test.lua:", "no step 'pai'", "did you mean 'pay'?")
  raises(function() run:step "pirce" end, "did you mean 'price'?")
  raises(function() t.expect(run).never:waits_for "aprove" end, "did you mean 'approve'?")
  raises(function() run.step "price" end, "testing_test.lua:", "call it with a colon: run:step(…)")
end)

test("habits of other libraries of tests lead to what is written here", function()
  local t = testing()
  local function has_no(name, ...) raises(function() return t.expect(1)[name] end, "has no '" .. name .. "'", ...) end
  has_no("toBe", "did you mean ':to_be'?")
  has_no("toEqual", "did you mean ':to_equal'?")
  for _, name in ipairs { "not_equals", "notEquals" } do has_no(name, "write expect(…).never:equals") end
  has_no("toNotEqual", "write expect(…).never:to_equal")
  has_no("is_not_nil", "write expect(…).never:is_nil")
  has_no("does_not_contain", "write expect(…).never:to_contain")
  has_no("toThrow", 'write expect(…):fails_with("message")')
  has_no("toBeTruthy", "write expect(…):is_true()")
  raises(function() t("adds", function() end) end, "testing_test.lua:", "aikit.test is not a function", 'write it("')
  raises(function() return t.test end, "write aikit.test.it")
end)
