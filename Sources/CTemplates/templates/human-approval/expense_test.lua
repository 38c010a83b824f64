-- Run the tests:  aikit-lua test
local expense = require "expense"

local function claim(amount) return { who = "Ada", what = "a train", amount = amount } end

describe("expense", function()
  it("books small ones without asking", function()
    local run = test.run(expense, { input = claim(40) })
    expect(run):succeeds { booked = true, reason = "below the limit" }
    expect(run).never:ran "approve"
  end)

  it("waits for a decision on large ones", function()
    local run = test.run(expense, { input = claim(240) })
    expect(run):waits_for "size/approve"
    expect(run.pendingHuman.output.summary):equals "Ada: a train for 240"
  end)

  it("books what was approved", function()
    local run = test.run(expense, {
      input = claim(240), answers = { approve = { decision = "approve", comment = "have fun" } },
    })
    expect(run):succeeds { booked = true, reason = "have fun" }
    expect(run):emitted { type = "booked", data = { amount = 240 } }
  end)

  it("refuses an answer that is none", function()
    local run = test.run(expense, { input = claim(240) })
    expect(function() run:answer("approve", { decision = "perhaps" }) end):fails_with { code = "invalid_response" }
    expect(run):waits_for "approve"
  end)

  it("rejects when nobody decides within a week", function()
    -- The clock of a test jumps, so the week takes no time.
    local run = test.run(expense, { input = claim(240), answers = { approve = test.nobody } })
    expect(run):succeeds { booked = false, reason = "nobody decided in time" }
    expect(run.finishedAt - run.startedAt):equals(7 * 24 * 3600 * 1000)
  end)
end)
