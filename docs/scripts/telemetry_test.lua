local invoice = require "telemetry"

it("traces each attempt of a price, without what it costs", function()
  local run = test.run(invoice, { input = { customer = "Ada", items = { 10, 200 } } })
  expect(run):traced { name = "invoice", attributes = { ["langfuse.environment"] = "staging" } }
  expect(run):traced { name = "invoice.step.price", status = "error", parent = "invoice.step.lines" }
  for _, span in ipairs(run:spans()) do
    if span.name == "invoice.step.price" then expect(span.attributes["ai_kit.workflow.step.input"]):is_nil() end
  end
end)
