it("waits for a review", function()
  local run = test.run(require "ai-kit-human", { input = { name = "Ada" } })
  expect(run.pendingHuman.output):equals { draft = "Dear Ada" }
  run:answer("review", { text = "Hi Ada", decision = "send" })
  expect(run):succeeds { sent = true, text = "Hi Ada" }
end)

it("tells of what it does", function()
  local run = test.run(require "ai-kit-telemetry")
  expect(run):emitted { type = "notification", data = { channel = "chat" } }
  expect(run.metadata):equals { team = "ops", notified = true }
end)
