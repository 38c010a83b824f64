local report = require "schedules"

it("writes the daily report at nine in Oslo, also after the clocks have changed", function()
  local run = test.schedule(report, "weekday", { clock = "2026-03-28" })
  expect(run):succeeds "a daily report"
  expect(run.startedAt):equals(1774854000000) -- 2026-03-30T07:00:00Z
end)
