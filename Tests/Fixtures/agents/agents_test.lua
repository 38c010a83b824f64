-- Agents as their users meet them in tests: every limit, every kind of tool, every way in which a call goes wrong.
local aikit = require "aikit"
local s = aikit.schema

local model = aikit.model { provider = "openai", name = "tiny", price = { input = 1, output = 1 } }
local other = aikit.model { provider = "anthropic", name = "other" }

local function call(name, arguments) return { name = name, arguments = arguments } end

local function calls(...) return { tool_calls = { ... } } end

local echo = aikit.tool {
  id = "echo", input_schema = s.object { text = s.string() }, handler = function(input) return input.text end,
}
local broken = aikit.tool {
  id = "broken", handler = function() aikit.fail { code = "down", message = "it is down" } end,
}

local function agent(config)
  config.id, config.model = config.id or "a", config.model or model
  return aikit.agent(config)
end

local function contents(requests, index)
  local list = {}
  for i, message in ipairs(requests:requests()[index].messages) do list[i] = message.content end
  return list
end

describe("an agent", function()
  it("takes a prompt, or messages, and says what it is told to", function()
    local seen = test.model(function() return "fine" end)
    local told = agent { instructions = function(input) return "For " .. (input.who or "all") end }
    expect(test.run(told, { input = { prompt = "Hello", who = "Ada" } }).result.text):equals "fine"
    local messages = { { role = "user", content = "Hi" }, { role = "assistant", content = "Yes?" } }
    test.run(told, { input = { messages = messages } })
    expect(contents(seen, 1)):equals { "For Ada", "Hello" }
    expect(contents(seen, 2)):equals { "For all", "Hi", "Yes?" }
    expect(test.run(told, { input = {} })):fails()
  end)

  it("makes the calls of a turn side by side and tells of them in order", function()
    local slow = aikit.tool { id = "slow", handler = function() aikit.sleep(5) return "slow" end }
    local seen = test.model { calls(call("slow"), call("echo", { text = "quick" })), "done" }
    local run = test.run(agent { tools = { slow, echo } }, { input = { prompt = "Go" } })
    expect(run.result.turns):equals(2)
    expect(contents(seen, 2)):equals { "Go", "", "slow", "quick" }
    expect(run.finishedAt - run.startedAt < 6000):is_true()
  end)

  it("tells the model what is wrong with a call", function()
    local seen = test.model {
      calls(call("echo", { text = 1 }), call("echo", "{"), call("ecko", {}), call("broken", {})), "done",
    }
    test.run(agent { tools = { echo, broken } }, { input = { prompt = "Go" } })
    local told = contents(seen, 2)
    expect(told[3]):contains "do not fit the tool"
    expect(told[3]):contains "text"
    expect(told[4]):contains "no JSON"
    expect(told[5]):contains "there is no tool 'ecko'; there are echo, broken"
    expect(told[6]):contains "it is down"
  end)

  it("tells the model what a tool gives, whatever it is", function()
    local given = { { ["$refusal"] = { 1 } }, { ["$refusal"] = true }, { ["$refusal"] = "no", more = 1 } }
    local odd = aikit.tool { id = "odd", input_schema = s.object { n = s.integer() },
      handler = function(input) return given[input.n] end }
    local seen = test.model { calls(call("odd", { n = 1 }), call("odd", { n = 2 }), call("odd", { n = 3 })), "done" }
    test.run(agent { tools = { odd } }, { input = { prompt = "Go" } })
    local told = contents(seen, 2)
    expect(told[3]):equals '{"$refusal":[1]}'
    expect(told[4]):equals '{"$refusal":true}'
    expect(told[5]):contains '"more":1'
  end)

  it("fails with its tool where that is asked for", function()
    test.model { calls(call("broken", {})) }
    expect(test.run(agent { tools = { broken }, on_tool_error = "fail" }, { input = { prompt = "Go" } }))
      :fails_with { code = "down" }
  end)

  it("has people and workflows for tools", function()
    local ask = aikit.tool {
      id = "ask", input_schema = s.object { question = s.string() },
      step = aikit.human { id = "lead", output = function(input) return input end,
        response_schema = s.object { answer = s.string() } },
    }
    local flow = aikit.tool {
      id = "flow",
      step = aikit.workflow { id = "inner" }:step { id = "double", handler = function(i) return i.n * 2 end }:commit(),
    }
    local seen = test.model { calls(call("ask", { question = "May I?" }), call("flow", { n = 4 })), "done" }
    local run = test.run(agent { tools = { ask, flow } }, { input = { prompt = "Go" } })
    expect(run.status):equals "waiting_human"
    expect(run.waiting[1].output):equals { question = "May I?" }
    run:answer { answer = "yes" }
    expect(run.status):equals "success"
    expect(contents(seen, 2)):equals { "Go", "", '{"answer":"yes"}', "8" }
    expect(run:step("a[1]/tools[2]/call/inner/double").output):equals(8)
  end)

  it("goes on as a step of a workflow, also beside others", function()
    test.model(function(request) return request.messages[1].content:upper() end)
    local each = aikit.workflow { id = "each" }
      :foreach { id = "every", concurrency = 3, items = function(input) return input end,
        step = agent { prompt = function(word) return word end },
        collect = function(results)
          local texts = {}
          for i, result in ipairs(results) do texts[i] = result.text end
          return texts
        end }
      :commit()
    local run = test.run(each, { input = { "a", "b", "c", "d" } })
    expect(run):succeeds { "A", "B", "C", "D" }
    expect(run.usage.input_tokens):equals(40)
  end)

  it("is mocked as any step is", function()
    local flow = aikit.workflow { id = "flow" }
      :step(agent {})
      :step { id = "next", handler = function(input) return input.text end }
      :commit()
    expect(test.run(flow, { mocks = { a = { text = "mocked" } } })):succeeds "mocked"
  end)
end)

describe("a structured answer", function()
  it("may be any value", function()
    test.model { { text = '{"value":["x","y"]}' } }
    local run = test.run(agent { output_schema = s.array(s.string()) }, { input = { prompt = "Go" } })
    expect(run):succeeds { "x", "y" }
    expect(run.metadata.a.turns):equals(1)
  end)

  it("is asked for in words where no schema is taken", function()
    local seen = test.model { { json = { n = 1 } } }
    local plain = aikit.model { provider = "openai", name = "plain", structured_output = "prompt" }
    test.run(agent { model = plain, output_schema = s.object { n = s.integer() } }, { input = { prompt = "Go" } })
    expect(seen:requests()[1].output_schema):equals(nil)
    expect(contents(seen, 1)[1]):contains "JSON Schema"
  end)

  it("is asked for again, and fails at last", function()
    local seen = test.model(function() return '{"n":"many"}' end)
    local wanting = agent { output_schema = s.object { n = s.integer() }, repair = 1 }
    local run = test.run(wanting, { input = { prompt = "Go" } })
    expect(run):fails_with { code = "invalid_answer" }
    expect(run.error.details.answer):equals '{"n":"many"}'
    expect(#seen:requests()):equals(2)
  end)
end)

describe("a limit", function()
  local function endless() return calls(call("echo", { text = "more" })) end

  it("of turns ends an agent", function()
    test.model(endless)
    local run = test.run(agent { tools = { echo }, max_turns = 3 }, { input = { prompt = "Go" } })
    expect(run):fails_with { code = "agent_limit" }
    expect(run.error.details):equals { limit = "turns", turns = 3 }
  end)

  it("gives what there is where that is asked for", function()
    test.model(endless)
    local run = test.run(agent { tools = { echo }, max_turns = 2, on_limit = "stop" }, { input = { prompt = "Go" } })
    expect(run.result.finish_reason):equals "limit"
    expect(run.result.turns):equals(2)
    expect(#run.result.messages):equals(5)
  end)

  it("of tokens counts what agents below use", function()
    local inner = aikit.agent { id = "inner", model = other, prompt = "Think" }
    local think = aikit.tool { id = "think", step = inner }
    test.model {
      tiny = { calls(call("think", {})), "never" },
      other = { { text = "thought", usage = { input_tokens = 500, output_tokens = 0 } } },
    }
    local run = test.run(agent { tools = { think }, budget = { tokens = 400 } }, { input = { prompt = "Go" } })
    expect(run):fails_with { code = "agent_limit" }
    expect(run.error.message):contains "has used 515 tokens; its budget is 400"
  end)

  it("of an outer agent holds for an inner one", function()
    local inner = aikit.agent { id = "inner", model = other, prompt = "Think", tools = { echo } }
    local think = aikit.tool { id = "think", step = inner }
    test.model {
      tiny = { calls(call("think", {})), "gave up" },
      other = function()
        return { tool_calls = { call("echo", { text = "x" }) }, usage = { input_tokens = 300 } }
      end,
    }
    local run = test.run(agent { tools = { think }, budget = { tokens = 400 }, on_limit = "stop" },
      { input = { prompt = "Go" } })
    expect(run.result.finish_reason):equals "limit"
    expect(run.error):equals(nil)
  end)

  it("of cost and of time ends an agent", function()
    test.model(function()
      return { tool_calls = { call("echo", { text = "x" }) }, usage = { input_tokens = 2000000 } }
    end)
    local costly = agent { tools = { echo }, budget = { cost = 1.5 } }
    expect(test.run(costly, { input = { prompt = "Go" } }).error.details.limit):equals "cost"
    local nap = aikit.tool { id = "nap", handler = function() aikit.sleep(90) end }
    test.model(function() return calls(call("nap", {})) end)
    local slow = agent { tools = { nap }, budget = { time = "2m" } }
    local run = test.run(slow, { input = { prompt = "Go" } })
    expect(run.error.details):equals { limit = "time", turns = 2 }
  end)
end)

describe("a model in a test", function()
  it("fails as a provider does", function()
    test.model { { error = { status = 429, message = "slow down" } } }
    local run = test.run(agent {}, { input = { prompt = "Go" } })
    expect(run):fails_with { code = "model_http" }
    expect(run.error.details.status):equals(429)
  end)

  it("answers nothing that the test does not say", function()
    local unanswered = test.run(agent {}, { input = { prompt = "Go" } })
    expect(unanswered.error.message):contains "no test.model answers the model tiny"
    test.model { "one" }
    test.run(agent {}, { input = { prompt = "Go" } })
    expect(test.run(agent {}, { input = { prompt = "Go" } }).error.message):contains "have been given"
  end)
end)
