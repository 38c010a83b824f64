local check, new_bridge = require "check", require "bridge"
local test, equal, raises = check.test, check.equal, check.raises

local library = debug.getinfo(1, "S").source:match("^@(.*/)") .. "../../Sources/CPrelude/lua/"

--- A bridge whose runs end as `state` says, and the library of tests over it.
local function testing(state)
  local bridge = new_bridge()
  local started = { run = 1, result = { status = "success" }, events = {}, snapshots = {}, waiting = {} }
  for key, value in pairs(state or {}) do started[key] = value end
  bridge.answers["test.start"] = started
  local file = assert(io.open(library .. "testing.lua", "rb"))
  local text = file:read "a"
  file:close()
  return assert(load(text, "=[aikit testing]"))(bridge), bridge
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

-- Comparisons ---------------------------------------------------------------------------------------------------------

local function chain(depth, last)
  local value = { last = last }
  for _ = 2, depth do value = { n = value } end
  return value
end

test("values are compared at any depth that JSON has, and refused where they are deeper", function()
  local t = testing()
  for _, depth in ipairs { 98, 99, 128, 129, 1000 } do
    t.expect(chain(depth, 1)):equals(chain(depth, 1))
    t.expect(chain(depth, 1)).never:equals(chain(depth, 2))
  end
  raises(function() t.expect(chain(1001, 1)):equals(chain(1001, 1)) end, "testing_test.lua:", "too deep to compare")
  raises(function() t.expect(chain(1001, 1)).never:equals(chain(1001, 1)) end, "too deep to compare")
end)

test("values that hold themselves, or one part many times, are compared", function()
  local t = testing()
  local function ring(length, name)
    local first = { name = name }
    local last = first
    for _ = 2, length do
      last.next = { name = name }
      last = last.next
    end
    last.next = first
    return first
  end
  t.expect(ring(1, "a")):equals(ring(1, "a"))
  t.expect(ring(2, "a")):equals(ring(3, "a"))
  t.expect(ring(2, "a")).never:equals(ring(2, "b"))
  local one, other = {}, {}
  for _ = 1, 60 do
    one, other = { one, one }, { other, other }
  end
  t.expect(one):equals(other)
end)

test("numbers are close by value, infinities and what is no number too", function()
  local t = testing()
  local inf, nan = 1 / 0, 0 / 0
  for _, pair in ipairs { { inf, inf }, { -inf, -inf }, { nan, nan }, { -0.0, 0 }, { 1, 1.0 }, { 0.1 + 0.2, 0.3 } } do
    t.expect(pair[1]):is_close_to(pair[2])
  end
  for _, pair in ipairs { { inf, -inf }, { inf, 1 }, { 1, nan }, { nan, 1 }, { 1, 1.1 } } do
    t.expect(pair[1]).never:is_close_to(pair[2])
  end
  t.expect(nan):equals(nan)
  t.expect(-0.0):equals(0)
  t.expect(1.0):equals(1)
  t.expect(1):is_close_to(1.5, 0.5)
  raises(function() t.expect(0.1 + 0.2):equals(0.3) end, "expected 0.3, got 0.30000000000000004")
  raises(function() t.expect(1):is_a "float" end, "got 1")
  raises(function() t.expect(1.0):is_a "integer" end, "got 1.0")
end)

test("arguments that a matcher cannot use are refused at the line of the test", function()
  local t = testing()
  local here = "testing_test.lua:"
  local wrong = {
    ["'%' is no Lua pattern: malformed pattern (ends with '%')"] = {
      function() t.expect("x"):matches "%" end, function() t.expect(1).never:matches "%" end,
      function() t.matching "%" end,
    },
    ["is_greater_than takes a number, got 'a'"] = { function() t.expect(1):is_greater_than "a" end },
    ["is_less_than takes a number, got nil"] = { function() t.expect("x").never:is_less_than() end },
    ["is_close_to takes a number"] = { function() t.expect(1):is_close_to "1" end },
    ["how far off it may be"] = {
      function() t.expect(1):is_close_to(1, {}) end, function() t.expect(1):is_close_to(1, -1) end,
      function() t.expect(1):is_close_to(1, 0 / 0) end,
    },
    ["the name of a type, got 'nubmer'; did you mean 'number'?"] = {
      function() t.expect(1).never:is_a "nubmer" end, function() t.any "nubmer" end,
    },
    ["the name of a type, got nil"] = { function() t.expect(1):is_a() end },
    ["a whole number from 0 on, got 'a'"] = { function() t.expect({}):has_length "a" end },
    ["a whole number from 0 on, got -1"] = { function() t.expect({}).never:has_length(-1) end },
    ["a part of the message"] = { function() t.expect(error):fails_with(3) end },
    ["it takes a name first, got an empty text"] = { function() t.it("", function() end) end },
  }
  for message, calls in pairs(wrong) do
    for _, call in ipairs(calls) do raises(call, here, message) end
  end
end)

test("answers of HTTP that no server gives are refused", function()
  local t = testing()
  local function refused(answer, ...)
    raises(function() t.http { ["GET https://a.example/"] = answer } end, "testing_test.lua:", "GET https://a.example/",
      ...)
  end
  refused({ status = 99 }, "`status` takes a whole number from 200 to 599, got 99")
  refused({ status = 200.5 }, "got 200.5")
  refused({ status = "200" }, "got '200'")
  refused({ headers = 3 }, "`headers` takes a table")
  refused({ headers = { "x" } }, "`headers` takes names, got 1")
  refused({ headers = { a = {} } }, "the header 'a' takes text")
  refused({ body = {} }, "`body` takes text, got a table")
  refused({ body = "", json = {} }, "`body` and `json`")
end)

test("a hook and a schedule go by an id that is text", function()
  local t, bridge = testing()
  local workflow = order(bridge.aikit)
  for _, id in ipairs { 5, true, print, { 1 } } do
    raises(function() t.hook(workflow, id, {}) end, "testing_test.lua:", "test.hook takes the hook's id")
    raises(function() t.schedule(workflow, id, {}) end, "testing_test.lua:", "test.schedule takes the schedule's id")
  end
end)
