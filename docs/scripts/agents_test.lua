local help = require "agents"

describe("help", function()
  it("searches the handbook before it answers", function()
    local calls = test.model {
      { tool_calls = { { name = "search", arguments = { query = "leave" } } } },
      { text = "25 days.", deltas = { "25 ", "days." } },
    }
    local run = test.run(help, { input = { question = "How much leave?" } })
    expect(run.result.text):equals "25 days."
    expect(run.result.turns):equals(2)
    expect(#run.deltas):equals(2)
    expect(calls:requests()[2].messages[4].content):contains "25 days of leave"
  end)

  it("is told what is wrong with the arguments of a call", function()
    local calls = test.model(function(request)
      if #request.messages == 2 then return { tool_calls = { { name = "search", arguments = { query = "" } } } } end
      return "I do not know."
    end)
    test.run(help, { input = { question = "?" } })
    expect(calls:requests()[2].messages[4].content):contains "do not fit the tool"
  end)

  it("stops when its budget is used up", function()
    test.model {
      { tool_calls = { { name = "search", arguments = { query = "leave" } } }, usage = { input_tokens = 30000 } },
    }
    expect(test.run(help, { input = { question = "?" } })):fails_with { code = "agent_limit" }
  end)
end)
