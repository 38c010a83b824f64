local purchase = require "purchase"

it("ships at once", function()
  local run = test.run(purchase, { input = { sku = "pen", count = 2 }, mocks = { price = { total = 20 } } })
  expect(run.result):equals { shipped = true, days = 0 }
end)

it("needs no network", function()
  expect(test.run(purchase, { input = { sku = "pen", count = 2 } })):succeeds()
end)
