local mail = require "triage"

local function call(name, arguments) return { tool_calls = { { name = name, arguments = arguments } } } end

describe("mail", function()
  it("is filed by what the model makes of it", function()
    test.model { { json = { label = "bug", summary = "It crashes." } } }
    local run = test.run(mail, { input = { text = "It crashes!" } })
    expect(run):succeeds { folder = "bug", note = "It crashes." }
  end)

  it("gets money back once a person has allowed it", function()
    local calls = test.model {
      call("find-order", { order = "A-7" }),
      call("refund", { order = "A-7", cents = 900 }),
      { json = { label = "billing", summary = "Charged twice." } },
    }
    local run = test.run(mail, { input = { text = "You charged A-7 twice." } })
    expect(run.status):equals "waiting_human"
    run:answer { approved = true }
    expect(run.status):equals "success"
    expect(calls:requests()[3].messages[6].content):contains '"refunded":900'
  end)

  it("tells the model what was refused, or is not there", function()
    local calls = test.model {
      call("refund", { order = "A-8", cents = 100 }),
      call("burn", {}),
      { json = { label = "question", summary = "Nothing to do." } },
    }
    test.run(mail, { input = { text = "Pay me." }, answers = { approve = { approved = false, reason = "no order" } } })
    local messages = calls:requests()[3].messages
    expect(messages[4].content):contains "not allowed: no order"
    expect(messages[6].content):contains "there is no tool 'burn'"
  end)
end)
