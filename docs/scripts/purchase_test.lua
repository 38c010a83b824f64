local purchase = require "purchase"

describe("purchase", function()
  it("ships a small order after two weeks", function()
    local run = test.run(purchase, {
      input = { sku = "pen", count = 2 },
      mocks = { price = { total = 20 } },
    })
    expect(run):succeeds { shipped = true }
    expect(run):ran "size/wave-through"
    expect(run):emitted { type = "shipped", data = { sku = "pen" } }
    expect(run.finishedAt - run.startedAt):equals(14 * 24 * 3600 * 1000)
  end)

  it("asks before it ships a large one", function()
    local run = test.run(purchase, { input = { sku = "ship", count = 1 }, mocks = { price = { total = 5000 } } })
    expect(run):waits_for "size/approve"
    run:answer { ok = false }
    expect(run):succeeds { shipped = false }
  end)

  it("asks the shop for the price, and again when it is busy", function()
    local http = test.http {
      ["GET https://shop.example/prices/*"] = { { status = 200, body = "busy" }, { json = { price = 3 } } },
    }
    local run = test.run(purchase, { input = { sku = "pen", count = 2 } })
    expect(run:step("price").output):equals { total = 6 }
    expect(http:requests()):has_length(2)
  end)

  it("fails when there is no price", function()
    local run = test.run(purchase, {
      input = { sku = "pen", count = 2 },
      mocks = { price = { error = { code = "no_price", message = "unknown sku", retryable = false } } },
    })
    expect(run):fails_with { code = "no_price" }
  end)
end)
