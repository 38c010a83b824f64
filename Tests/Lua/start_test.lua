local check, new_bridge = require "check", require "bridge"
local test, equal, raises = check.test, check.equal, check.raises

local function ops(bridge)
  local list = {}
  for index, request in ipairs(bridge.requests) do list[index] = request.op end
  return list
end

test("a run is started and recorded, and its id given", function()
  local bridge = new_bridge()
  bridge.answers["once.begin"] = { name = "start 1", is_recorded = false }
  bridge.answers["run.start"] = { run = "r~c1" }
  equal(bridge.aikit.start("invoice", { n = 1 }, { on_parent_end = "leave" }), "r~c1")
  equal(bridge.requests[2].payload, {
    name = "start 1", workflow = "invoice", own = false, input = { n = 1 }, leaves = true,
  })
  equal(bridge.requests[3].payload, { name = "start 1", value = { run = "r~c1" } })
  equal(ops(bridge), { "once.begin", "run.start", "once.record" })
end)

test("what has been started before is waited for, and not started again", function()
  local bridge = new_bridge()
  bridge.answers["once.begin"] = { name = "start 1", is_recorded = true, value = { run = "r~c1" } }
  bridge.answers["run.wait"] = { total = 3 }
  equal(bridge.aikit.start("invoice", nil, { wait = true }), { total = 3 })
  equal(ops(bridge), { "once.begin", "run.wait" })
end)

test("a workflow itself stands for its id, and is the one of its script", function()
  local bridge = new_bridge()
  bridge.answers["once.begin"] = { name = "start 1", is_recorded = false }
  bridge.answers["run.start"] = { run = "mine" }
  local aikit = bridge.aikit
  local workflow = aikit.workflow { id = "label" }:step { id = "a", handler = print }:commit()
  equal(aikit.start(workflow, {}, { id = "mine" }), "mine")
  equal(bridge.requests[2].payload.workflow, "label")
  equal(bridge.requests[2].payload.own, true)
  equal(bridge.requests[2].payload.id, "mine")
end)

test("what cannot be started is refused at the script's line, and asks the host for nothing", function()
  local bridge = new_bridge()
  local start = bridge.aikit.start
  local open = bridge.aikit.workflow { id = "open" }
  local cases = {
    { 5, {}, nil, "takes the id of a workflow" }, { "", {}, nil, "takes the id of a workflow" },
    { open, {}, nil, "committed workflow" }, { "a", {}, 5, "takes a table of options" },
    { "a", {}, { wiat = true }, "did you mean 'wait'?" }, { "a", {}, { id = 5 }, "`id` takes" },
    { "a", {}, { wait = "yes" }, "`wait` takes" }, { "a", {}, { on_parent_end = "stop" }, "`on_parent_end` takes" },
  }
  for _, case in ipairs(cases) do
    raises(function() start(case[1], case[2], case[3]) end, "start_test.lua:", case[4])
  end
  equal(bridge.requests, {})
end)
