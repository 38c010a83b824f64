local check, new_bridge = require "check", require "bridge"
local test, equal, raises = check.test, check.equal, check.raises

test("emit, log and metadata become effects in order", function()
  local context = new_bridge().context { metadata = { team = "ops", count = 1 } }
  context:emit { type = "progress", data = { done = 1 } }
  context:emit { type = "ping" }
  context:log("warn", "slow", { seconds = 4 })
  context:update_metadata(function(m) return { count = m.count + 1 } end)
  context:update_metadata { by = "me" }
  equal(context.effects, {
    { kind = "emit", name = "progress", value = { done = 1 } },
    { kind = "emit", name = "ping" },
    { kind = "log", name = "warn", value = { message = "slow", fields = { seconds = 4 }, time = 1700000000000 } },
    { kind = "metadata", value = { team = "ops", count = 2 } },
    { kind = "metadata", value = { team = "ops", count = 2, by = "me" } },
  })
end)

test("metadata that a function changes and returns is merged, too", function()
  local context = new_bridge().context { metadata = { a = 1 } }
  context:update_metadata(function(m) m.b = 2; return m end)
  equal(context:get_metadata(), { a = 1, b = 2 })
  context:get_metadata().a = 9
  equal(context:get_metadata().a, 1)
end)

test("ctx is replaced by what the function returns", function()
  local context = new_bridge().context { ctx = { total = 1 } }
  context:update_ctx(function(c) return { total = c.total + 1 } end)
  equal(context.effects, { { kind = "ctx", value = { total = 2 } } })
end)

test("ctx cannot change beside others", function()
  local context = new_bridge().context { ctx = {}, ctx_read_only = true }
  raises(function() context:update_ctx { a = 1 } end, "context_test.lua:", "runs beside others", "one that comes after")
  equal(context.effects, {})
end)

test("misuse of the context says how it is written", function()
  local context = new_bridge().context { metadata = {}, ctx = {} }
  raises(function() context:emit("progress") end, "context_test.lua:", 'context:emit { type = "progress"')
  raises(function() context:emit { tpye = "progress" } end, "no option 'tpye'", "did you mean 'type'?")
  raises(function() context:emit { data = 1 } end, "needs the name")
  raises(function() context:update_metadata(function() end) end, "returns a table, got nil from it")
  raises(function() context:update_ctx(5) end, "got a number")
  raises(function() context:log("wran", "x") end, "did you mean 'warn'?")
end)

test("methods of the context that are called with a dot are refused at the script's line", function()
  local bridge = new_bridge()
  local context = bridge.context { metadata = {}, ctx = {} }
  for name in pairs(bridge.methods) do
    for _, first in ipairs { false, "info", print, {} } do
      raises(function() context[name](first or nil) end, "context_test.lua:",
        "call it with a colon: context:" .. name .. "(…)")
    end
  end
  equal(context.effects, {})
end)

test("attributes and spans become effects", function()
  local bridge = new_bridge()
  local context = bridge.context {}
  context:set_attribute("customer", "Ada")
  local price = context:span("price", { items = 2 }, function()
    return context:span("tax", function() return 7 end)
  end)
  equal(price, 7)
  equal(context.effects[1], { kind = "trace", value = { attributes = { customer = "Ada" } } })
  -- Each begins and ends.
  equal(#context.effects, 5)
  local inner, outer = context.effects[4].value.span, context.effects[5].value.span
  equal({ inner.name, inner.index, inner.parent }, { "tax", 2, 1 })
  equal({ outer.name, outer.index, outer.attributes.items }, { "price", 1, 2 })
end)

test("an error passes through a span, which tells of it", function()
  local context = new_bridge().context {}
  raises(function() context:span("price", function() error("no price", 0) end) end, "no price")
  equal(context.effects[1].value.span.error, "no price")
  raises(function() context:span("price", 7) end, "context_test.lua:", "context:span takes a name")
  raises(function() context:set_attribute("a", {}) end, "context_test.lua:", "text, a number or a boolean")
  raises(function() context:span("a", { 5 }, print) end, "context:span: an attribute has a name, got a value under 1")
  for _, case in ipairs {
    { "\xff", "is not valid UTF-8" }, { 0 / 0, "takes a finite number, got NaN" },
    { math.huge, "takes a finite number, got inf" }, { -math.huge, "takes a finite number, got -inf" },
  } do
    raises(function() context:set_attribute("a", case[1]) end, "context:set_attribute: the attribute 'a' " .. case[2])
    raises(function() context:span("s", { a = case[1] }, print) end, "context:span: the attribute 'a' " .. case[2])
  end
  raises(function() context:set_attribute("\xff", 1) end, "the name of an attribute is not valid UTF-8")
  raises(function() context:span("\xff", print) end, "context:span: the name is not valid UTF-8")
end)

test("a coroutine has spans of its own, below the one that it was made in", function()
  local bridge = new_bridge()
  local context = bridge.context {}
  local inner
  context:span("outer", function()
    inner = coroutine.create(function()
      context:span("inner", function()
        context:span("first", function() end)
        coroutine.yield()
        context:span("second", function() end)
      end)
    end)
    -- What the host does for each coroutine that is made.
    bridge.inherited[inner] = bridge.inherited[coroutine.running()]
    coroutine.resume(inner)
    context:span("beside", function() coroutine.resume(inner) end)
  end)
  local parents, names = {}, {}
  for _, effect in ipairs(context.effects) do names[effect.value.span.index] = effect.value.span.name end
  for _, effect in ipairs(context.effects) do
    parents[effect.value.span.name] = names[effect.value.span.parent] or "step"
  end
  equal(parents, { outer = "step", inner = "outer", first = "inner", second = "inner", beside = "outer" })
end)

test("a span whose surroundings have ended lies in those around them", function()
  local bridge = new_bridge()
  local context = bridge.context {}
  local later
  context:span("outer", function()
    context:span("gone", function()
      later = coroutine.create(function() context:span("late", function() end) end)
      bridge.inherited[later] = bridge.inherited[coroutine.running()]
    end)
    coroutine.resume(later)
  end)
  local late, outer = context.effects[5].value.span, context.effects[6].value.span
  equal({ late.name, late.parent }, { "late", outer.index })
end)

test("attributes do not take names of the engine's own", function()
  local context = new_bridge().context {}
  for _, name in ipairs { "gen_ai.operation.name", "ai_kit.workflow.run_id", "langfuse.user.id", "user.id",
    "error.type" } do
    raises(function() context:set_attribute(name, "x") end, "context_test.lua:", name, "engine's own attributes")
    raises(function() context:span("s", { [name] = 1 }, function() end) end, "engine's own attributes")
  end
  raises(function() context:set_attribute("gen_ai.request.model", 1) end, "such as 'app.model'")
  context:set_attribute("gen_ai_x", 1)
  context:set_attribute("user", "Ada")
  equal(#context.effects, 2)
end)

test("once asks the host whether a part has run, and records what it gives", function()
  local bridge = new_bridge()
  local context, calls = bridge.context { path = "a" }, 0
  local function body()
    calls = calls + 1
    return 7
  end
  bridge.answers["once.begin"] = { name = "pay", is_recorded = false }
  bridge.answers["once.record"] = { name = "pay", value = 7 }
  equal(context:once("pay", body), 7)
  equal(bridge.requests[1], { op = "once.begin", payload = { name = "pay" } })
  equal(bridge.requests[2], { op = "once.record", payload = { name = "pay", value = 7 } })
  bridge.answers["once.begin"] = { name = "pay", is_recorded = true, value = 8 }
  equal(context:once("pay", body), 8)
  equal(calls, 1)
  raises(function() context:once("pay") end, "context_test.lua:", "context:once takes a name and a function")
end)

test("what is streamed goes to the host at once", function()
  local bridge = new_bridge()
  bridge.context({ path = "a" }):stream { text = "b" }
  equal(bridge.requests, { { op = "stream", payload = { text = "b" } } })
end)

test("tags are merged by name, and null takes one away", function()
  local bridge = new_bridge()
  local context = bridge.context { tags = { region = "eu", paid = false } }
  context:set_tags { paid = true, count = 3 }
  equal(context:get_tags(), { region = "eu", paid = true, count = 3 })
  context:set_tags { region = bridge.null }
  equal(context.effects[2], { kind = "tags", value = { paid = true, count = 3 } })
end)

test("what is no tag is refused with what it takes", function()
  local context = new_bridge().context {}
  local many = {}
  for index = 1, 33 do many["t" .. index] = index end
  local cases = {
    [5] = "takes a table", [{ { 1 } }] = "a tag has a name", [{ [""] = 1 }] = "1 to 64 bytes",
    [{ [("n"):rep(65)] = 1 }] = "got 65", [{ ["a b"] = 1 }] = "no blanks", [{ ["a=b"] = 1 }] = "no blanks",
    [{ a = {} }] = "got a table", [{ a = print }] = "got a function", [{ a = 0 / 0 }] = "a finite number",
    [{ a = math.huge }] = "a finite number", [{ a = ("x"):rep(257) }] = "257 bytes", [{ a = "x\0" }] = "control",
    [many] = "at most 32 tags, got 33",
  }
  for changes, message in pairs(cases) do
    raises(function() context:set_tags(changes) end, "context_test.lua:", message)
  end
  local endless = setmetatable({}, { __pairs = function() return function(_, n) return (n or 0) + 1, 1 end end })
  raises(function() context:set_tags(endless) end, "a tag has a name")
  equal(context.effects, {})
end)

test("a restart asks the host", function()
  local bridge = new_bridge()
  bridge.context({}):restart { n = 2 }
  equal(bridge.requests, { { op = "restart", payload = { input = { n = 2 } } } })
end)
