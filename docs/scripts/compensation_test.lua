local trip = require "compensation"

describe("trip", function()
  it("gives back what was booked, and tells what it could not give back", function()
    local run = test.run(trip, {
      input = { traveller = "ada" },
      mocks = { hotel = { traveller = "ada", hotel = "hotel-1" } },
    })
    expect(run):fails_with "no flight left"
    expect(run.error.compensation.undone):equals { "transport[train]/train", "hotel" }
    expect(run.error.compensation.failed[1].path):equals "transport[car]/car"
    expect(run:step("hotel").compensation.attempts):equals(2)
  end)
end)
