local check, new_bridge = require "check", require "bridge"
local test, equal, raises = check.test, check.equal, check.raises

local function echo(input) return input end

test("a chain becomes the definition that the host gets", function()
  local bridge = new_bridge()
  local aikit = bridge.aikit
  aikit.workflow { id = "w", description = "d", metadata = { team = "ops" }, finalize = echo }
    :step { id = "a", handler = echo, retry = { max_attempts = 3 }, timeout = "10s" }
    :step(aikit.step { id = "b", handler = echo, next = "c" })
    :delay { id = "c", duration = "1s" }
    :wait_for { id = "d", event = "paid", timeout = "2h" }
    :delay { id = "e", duration = echo }
    :commit()
  local plan = bridge.plans[1]
  equal(plan.kind, "workflow")
  equal(plan.id, "w")
  equal(plan.metadata, { team = "ops" })
  equal(bridge.functions[plan.finalize], echo)
  equal(#plan.nodes, 5)
  equal(plan.nodes[5].duration, { ["$function"] = plan.finalize })
  local first = plan.nodes[1]
  assert(first.where:find("builder_test.lua:9", 1, true), first.where)
  assert(first.code, "what tells a change of the step's code")
  first.where, first.code = nil, nil
  equal(first, { kind = "step", id = "a", handler = plan.finalize, retry = { max_attempts = 3 }, timeout = "10s" })
  equal(plan.nodes[2].next, "c")
  equal(plan.nodes[4].event, "paid")
end)

test("a table in a chain is found by the functions in it", function()
  local bridge = new_bridge()
  bridge.aikit.workflow { id = "w" }
    :step {
      id = "a",
      handler = function() return 1 end,
    }
    :step { id = "b", handler = echo }
    :branch { id = "c", cases = {
      x = { bridge.aikit.step { id = "d" } },
    } }
    :commit()
  local nodes = bridge.plans[1].nodes
  equal(tonumber(nodes[3].where:match ":(%d+)$"), tonumber(nodes[2].where:match ":(%d+)$") + 7)
  local start = tonumber(nodes[2].where:match ":(%d+)$")
  equal(tonumber(nodes[1].where:match ":(%d+)$"), start + 3)
end)

test("named cases are sorted and become bodies", function()
  local bridge = new_bridge()
  local aikit = bridge.aikit
  local function step(id) return aikit.step { id = id, handler = echo } end
  aikit.workflow { id = "w" }
    :branch { id = "b", resolve = echo, cases = { storm = { step "warn" }, calm = step "brief" }, otherwise = step "o" }
    :branch { id = "l", resolve = echo, cases = { step "x", { step "y", step "z" } } }
    :commit()
  local named, list = bridge.plans[1].nodes[1], bridge.plans[1].nodes[2]
  equal(named.cases[1].name, "calm")
  equal(named.cases[1].body[1].id, "brief")
  equal(named.cases[2].name, "storm")
  equal(named.list, false)
  equal(named.otherwise[1].id, "o")
  equal(list.list, true)
  equal(list.cases[2].name, 2)
  equal(list.cases[2].body[2].id, "z")
end)

test("constructs stand in bodies without limit", function()
  local bridge = new_bridge()
  local aikit = bridge.aikit
  local inner = aikit.step { id = "inner", handler = echo }
  local body = inner
  for depth = 1, 20 do body = aikit.loop { id = "loop-" .. depth, step = { body }, condition = echo } end
  aikit.workflow { id = "w" }
    :foreach { id = "each", items = echo, step = aikit.parallel { id = "p", branches = { a = inner, b = body } } }
    :commit()
  local node = bridge.plans[1].nodes[1].step[1]
  equal(node.kind, "parallel")
  equal(node.branches[1].body[1].id, "inner")
  node = node.branches[2].body[1]
  for depth = 20, 1, -1 do
    equal(node.id, "loop-" .. depth)
    node = node.step[1]
  end
  equal(node.id, "inner")
end)

test("slots are numbered the same at every load", function()
  local function slots()
    local bridge = new_bridge()
    local aikit = bridge.aikit
    local cases = {}
    for index = 1, 20 do
      cases["case" .. index] = aikit.step { id = "s" .. index, handler = function() return index end }
    end
    aikit.workflow { id = "w" }:branch { id = "b", resolve = function() return "case1" end, cases = cases }:commit()
    local order = {}
    for _, case in ipairs(bridge.plans[1].nodes[1].cases) do
      order[#order + 1] = case.name .. "=" .. case.body[1].handler
      equal(bridge.functions[case.body[1].handler](), tonumber(case.name:match "%d+"))
    end
    return table.concat(order, " ")
  end
  equal(slots(), slots())
end)

test("a handler stands in its slot without a wrapper", function()
  local bridge = new_bridge()
  local function handler() end
  bridge.aikit.workflow { id = "w" }:step { id = "a", handler = handler }:commit()
  assert(bridge.functions[bridge.plans[1].nodes[1].handler] == handler)
end)

test("values of a wrong kind and unknown keys reach the host as they are", function()
  local bridge = new_bridge()
  local aikit = bridge.aikit
  aikit.workflow { id = 5 }
    :step { id = "a", handler = "no", hanlder = echo, 17, timeout = coroutine.create(echo) }
    :branch { id = "b", resolve = 3, cases = "none", otherwise = { "x" } }
    :loop { id = "c", condition = aikit.schema.string() }
    :parallel { id = "d", branches = aikit.step { id = "e" } }
    :commit()
  local nodes = bridge.plans[1].nodes
  equal(bridge.plans[1].id, 5)
  equal(nodes[1].handler, "no")
  equal(nodes[1].hanlder, { ["$function"] = 2 })
  equal(nodes[1]["[1]"], 17)
  equal(nodes[1].timeout, { ["$value"] = "thread" })
  equal(nodes[2].cases, "none")
  equal(nodes[2].otherwise, { "x" })
  equal(nodes[3].condition, { type = "string" })
  equal(nodes[4].branches, { ["$node"] = "e" })
end)

test("a workflow stands as a step", function()
  local bridge = new_bridge()
  local aikit = bridge.aikit
  local inner = aikit.workflow { id = "inner" }:step { id = "a", handler = echo }:commit()
  aikit.workflow { id = "outer" }:step(inner):step(aikit.clone_step(inner, { id = "again" })):commit()
  local nodes = bridge.plans[2].nodes
  equal(nodes[1].kind, "workflow")
  equal(nodes[1].id, "inner")
  equal(nodes[1].workflow.nodes[1].id, "a")
  equal(nodes[2].id, "again")
  equal(nodes[2].workflow.id, "inner")
end)

test("a clone has the step's values except for the changes", function()
  local bridge = new_bridge()
  local aikit = bridge.aikit
  local first = aikit.step { id = "a", description = "d", handler = echo }
  local second = aikit.clone_step(first, { id = "b" })
  equal(first.id, "a")
  equal(second.id, "b")
  equal(second.description, "d")
  aikit.workflow { id = "w" }:step(first):step(second):commit()
  equal(bridge.plans[1].nodes[1].handler, bridge.plans[1].nodes[2].handler)
end)

test("a config table that changes later changes no step", function()
  local bridge = new_bridge()
  local config = { id = "a", handler = echo }
  local workflow = bridge.aikit.workflow { id = "w" }:step(config)
  config.id = "b"
  workflow:commit()
  equal(bridge.plans[1].nodes[1].id, "a")
end)

test("a committed workflow has an id and cannot be changed", function()
  local bridge = new_bridge()
  local workflow = bridge.aikit.workflow { id = "w" }:step { id = "a", handler = echo }:commit()
  equal(workflow.id, "w")
  equal(tostring(workflow), "committed workflow 'w'")
  raises(function() workflow.id = "x" end, "'id' cannot be set", "builder_test.lua:")
  raises(function() return workflow.step end, "has no 'step'")
  local definition = workflow:inspect()
  equal(definition.nodes[1].id, "a")
  definition.nodes[1].id = "changed"
  equal(workflow:inspect().nodes[1].id, "a")
  raises(function() bridge.aikit.step({ id = "a" }).handler = echo end, "cannot be set", "clone_step")
end)

test("misuse raises at the script's line with the remedy", function()
  local aikit = new_bridge().aikit
  raises(function() aikit.worklfow { id = "w" } end, "builder_test.lua:", "did you mean 'aikit.workflow'?")
  raises(function() aikit.workflow "w" end, "builder_test.lua:", "takes one table, got a string", "aikit.workflow {")
  raises(function() aikit.step(nil) end, "takes one table, got nil")
  raises(function() aikit.workflow { id = "w" }:stepp {} end, "did you mean ':step'?")
  raises(function() aikit.workflow { id = "w" }:step(5) end, ":step takes a step or one table, got a number")
  raises(function() aikit.workflow { id = "w" }:branch(aikit.step {}) end, ":branch takes one table, got a node")
  raises(function() aikit.workflow({ id = "w" }).step {} end, "with a colon")
  raises(function() aikit.clone_step({}, {}) end, "takes a step")
  raises(function() aikit.step = 1 end, "does not change")
  local done = aikit.workflow { id = "w" }
  done:commit()
  raises(function() done:step { id = "late" } end, "must come before :commit()")
  raises(function() aikit.workflow { id = "w" }:step(aikit.workflow { id = "open" }):commit() end,
    "'open'", "not committed")
end)

test("what is found before the host is asked is blamed on its node", function()
  local aikit = new_bridge().aikit
  local s = aikit.schema
  local function lazy() error("by the script", 0) end
  local steps = {
    aikit.step { id = "a", input_schema = { city = s.string() } },
    aikit.step { id = "b", input_schema = s.lazy(lazy) },
  }
  local line = steps[1]
  local workflow = aikit.workflow { id = "w" }:step(line)
  local raised = raises(function() return workflow:commit() end, "builder_test.lua:", "s.object { city")
  local here = debug.getinfo(1, "l").currentline
  equal(tonumber(raised:match ":(%d+):"), here - 6)
  raises(function() aikit.workflow { id = "w" }:step(steps[2]):commit() end, "by the script")
  raised = raises(function() aikit.step(5) end, "takes one table")
  equal(tonumber(raised:match ":(%d+):"), debug.getinfo(1, "l").currentline - 1)
end)

test("a body that holds itself is refused", function()
  local aikit = new_bridge().aikit
  local body = {}
  local loop = aikit.loop { id = "l", step = body }
  body[1] = loop
  raises(function() aikit.workflow { id = "w" }:step(loop):commit() end, "holds itself")
  local metadata = {}
  metadata.self = metadata
  raises(function() aikit.workflow { id = "w", metadata = metadata }:commit() end, "holds itself")
end)

test("the collect of a foreach that goes on after errors gets them third", function()
  local bridge = new_bridge()
  local function collect(results, context, errors) return { results, context, errors } end
  local function collected(on_error)
    local step = { id = "s", handler = echo }
    local config = { id = "each", items = echo, step = step, collect = collect, on_error = on_error }
    bridge.aikit.workflow { id = "w" }:foreach(config):commit()
    return bridge.functions[bridge.plans[#bridge.plans].nodes[1].collect]
  end
  equal(collected(nil), collect)
  equal(collected("continue")({ results = { 1 }, errors = { 2 } }, "context"), { { 1 }, "context", { 2 } })
end)

test("names of other languages lead to those of the library", function()
  local aikit = new_bridge().aikit
  raises(function() return aikit.workflow { id = "w" }:map(echo) end, "a workflow has no 'map'", ":step")
  raises(function() return aikit.workflow { id = "w" }:waitFor {} end, "did you mean ':wait_for'?")
end)

test("what a script returns is told apart", function()
  local bridge = new_bridge()
  local aikit, collect = bridge.aikit, bridge.collect
  local function workflow(id) return aikit.workflow { id = id }:step { id = "a", handler = echo }:commit() end
  local one, two = workflow "one", workflow "two"
  equal(collect(one), { 1 })
  equal(collect { two, one }, { 2, 1 })
  equal(collect { b = one, a = two }, { 2, 1 })
  raises(function() collect(nil) end, "the script returns nothing; end it with `return aikit.workflow")
  raises(function() collect(aikit.workflow { id = "x" }) end, "workflow 'x' was not committed; end the chain with")
  local dropped = aikit.workflow { id = "d" }:step { id = "a", handler = echo }
  dropped:commit()
  raises(function() collect(dropped) end, "workflow 'd' was committed, but", "write return flow:commit()")
  raises(function() collect(aikit.step { id = "x" }) end, "is a step, not a workflow")
  raises(function() collect {} end, "empty table")
  raises(function() collect { one, workflow "one" } end, "two workflows with the id 'one'")
  equal(tostring(aikit.loop { id = "x" }), "loop 'x'")
  raises(function() collect(true) end, "is a boolean, not a workflow")
  raises(function() collect { one, "two" } end, "'[2]'", "is a string")
end)

test("commit raises what the host says", function()
  local bridge = new_bridge()
  bridge.sync_ops.commit = function() error("two problems", 0) end
  raises(function() bridge.aikit.workflow { id = "w" }:commit() end, "two problems")
  bridge.sync_ops.commit = function()
    error({ code = "invalid_argument", message = "commit is nested more than 128 levels deep" }, 0)
  end
  raises(function() bridge.aikit.workflow { id = "w" }:commit() end, "workflow 'w' is nested more than 128 levels deep")
end)

test("a method of the chain that is returned without being called is told", function()
  local bridge = new_bridge()
  raises(function() bridge.collect(bridge.aikit.workflow { id = "w" }.commit) end,
    "what the script returns is a function", ":commit()", "parentheses")
end)
