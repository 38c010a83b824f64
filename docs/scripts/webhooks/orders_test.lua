local order = require "orders"

local placed = { headers = { ["X-Shop-Topic"] = "order" }, json = { order = "7", total = 12.5 } }

describe("order", function()
  it("begins with the shop's request, under the order's number", function()
    local run, id = test.hook(order, "placed", placed)
    expect(id):equals "order-7"
    expect(run.waiting[1].stepId):equals "payment"
    expect(run:signal("paid", { by = "card" })):succeeds "shipped, paid by card"
  end)

  it("ignores what is no order", function()
    expect(test.hook(order, "placed", { json = { zen = "keep it simple" } })):is_nil()
  end)

  it("is told of its payment", function()
    local signal = test.hook(order, "paid", { json = { order = "7", by = "card" } })
    expect(signal):equals { run_id = "order-7", event = "paid", data = { order = "7", by = "card" } }
  end)
end)
