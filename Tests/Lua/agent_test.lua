local check, new_bridge = require "check", require "bridge"
local test, equal, raises = check.test, check.equal, check.raises

local function library()
  local bridge = new_bridge()
  return bridge.aikit, bridge
end

local function model_of(aikit) return aikit.model { provider = "openai", name = "tiny" } end

test("a model is checked where it is described", function()
  local aikit = library()
  raises(function() aikit.model { provder = "openai" } end, "agent_test.lua:", "did you mean 'provider'?")
  raises(function() aikit.model { provider = "opnai", name = "x" } end, "did you mean 'openai'?")
  raises(function() aikit.model { provider = "openai" } end, "needs `name`")
  raises(function() aikit.model { provider = "openai", name = "x", timeout = "soon" } end, "`timeout` takes seconds")
  raises(function() aikit.model { provider = "openai", name = "x", limits = { concurency = 1 } } end,
    "limits has no option 'concurency'", "did you mean 'concurrency'?")
  raises(function() aikit.model { provider = "openai", name = "x", api_key = 7 } end, "`api_key` takes text")
  raises(function() model_of(aikit):generte {} end, "did you mean ':generate'?")
  equal(model_of(aikit).name, "tiny")
end)

test("a tool is checked where it is made", function()
  local aikit = library()
  local function handler() end
  raises(function() aikit.tool { id = "a b", handler = handler } end, "agent_test.lua:", "letters, digits")
  raises(function() aikit.tool { id = "a" } end, "takes `handler` or `step`")
  raises(function() aikit.tool { id = "a", handler = handler, step = {} } end, "takes `handler` or `step`")
  raises(function() aikit.tool { id = "a", handler = handler, descripton = "x" } end, "did you mean 'description'?")
  equal(aikit.tool({ id = "a", handler = handler }).id, "a")
end)

test("an agent is checked where it is made", function()
  local aikit = library()
  local model, tool = model_of(aikit), { id = "look", handler = function() end }
  raises(function() aikit.agent { model = model } end, "agent_test.lua:", "needs an id")
  raises(function() aikit.agent { id = "a" } end, "agent 'a' needs a model")
  raises(function() aikit.agent { id = "a", model = model, tols = {} } end, "did you mean 'tools'?")
  raises(function() aikit.agent { id = "a", model = model, tools = { tool, tool } } end, "has two tools 'look'")
  raises(function() aikit.agent { id = "a", model = model, tools = { tool }, approve = { "loook" } } end,
    "is no tool of it", "did you mean 'look'?")
  raises(function() aikit.agent { id = "a", model = model, on_limit = "stopp" } end, "did you mean 'stop'?")
  raises(function() aikit.agent { id = "a", model = model, budget = { token = 1 } } end, "did you mean 'tokens'?")
  raises(function() aikit.agent { id = "a", model = model, prompt = 7 } end, "`prompt` takes text or a function")
end)

test("an agent is a loop of a model's step and a foreach over calls", function()
  local aikit, bridge = library()
  local agent = aikit.agent {
    id = "help", model = model_of(aikit), budget = { tokens = 10 }, max_turns = 3, approve = { "b" },
    tools = {
      { id = "a", handler = function() end },
      { id = "b", step = aikit.human { id = "ask" } },
    },
  }
  aikit.workflow({ id = "w" }):step(agent):commit()
  local loop = bridge.plans[1].nodes[1]
  equal({ loop.kind, loop.id, loop.role, loop.max_iterations, loop.budget.tokens }, { "loop", "help", "agent", 4, 10 })
  equal({ loop.step[1].id, loop.step[1].role }, { "model", "model" })
  local each = loop.step[2]
  equal({ each.kind, each.id, each.concurrency, each.on_error }, { "foreach", "tools", 4, "continue" })
  local branch = each.step[1]
  equal({ branch.kind, branch.cases[1].name, branch.cases[2].name }, { "branch", "a", "b" })
  equal({ branch.cases[1].body[1].id, branch.cases[1].body[1].role }, { "a", "tool" })
  local approved = branch.cases[2].body
  equal({ approved[1].kind, approved[2].id, approved[3].kind }, { "human", "decide", "branch" })
end)

test("what an agent's schemas call secret stands on the step that calls its model", function()
  local aikit, bridge = library()
  local s = aikit.schema
  local function secrets_of(config)
    config.id, config.model = "a", model_of(aikit)
    aikit.workflow({ id = "w" }):step(aikit.agent(config)):commit()
    return bridge.plans[#bridge.plans].nodes[1].step[1].secrets
  end
  equal(secrets_of { output_schema = s.object { name = s.string() } }, nil)
  local own = secrets_of { output_schema = s.object { name = s.string(), token = s.string():secret() } }
  equal(own.answer.properties.token, { type = "string", writeOnly = true })
  equal({ own.wraps, own.tools }, {})
  local listed = secrets_of { output_schema = s.array(s.string():secret()) }
  equal({ listed.wraps, listed.answer.items }, { true, { type = "string", writeOnly = true } })
  local given = secrets_of {
    output_schema = { type = "object", properties = { pin = { type = "string", writeOnly = true } } },
    tools = {
      { id = "plain", handler = function() end },
      { id = "pay", handler = function() end, input_schema = s.object { pin = s.string():secret() } },
    },
  }
  equal({ given.answer.properties.pin.writeOnly, #given.tools, given.tools[1].name }, { true, 1, "pay" })
end)

test("a clone of an agent is an agent with other values", function()
  local aikit, bridge = library()
  local agent = aikit.agent { id = "a", model = model_of(aikit), max_turns = 3 }
  aikit.workflow({ id = "w" }):step(agent):step(aikit.clone_step(agent, { id = "b", max_turns = 5 })):commit()
  local nodes = bridge.plans[1].nodes
  equal({ nodes[1].max_iterations, nodes[2].id, nodes[2].max_iterations }, { 4, "b", 6 })
end)

test("a script that returns an agent has a workflow of it", function()
  local aikit, bridge = library()
  local agent = aikit.agent { id = "alone", description = "By itself", model = model_of(aikit) }
  equal(bridge.collect(agent), { 1 })
  equal({ bridge.plans[1].id, bridge.plans[1].description }, { "alone", "By itself" })
end)
