-- Run the tests:  aikit-lua test
local import = require "import"

local function order(id, ...) return { id = id, items = { ... } } end

local pens = { name = "pen", count = 10, price = 1.5 }
local ink = { name = "ink", count = 2, price = 4 }

describe("import", function()
  it("adds up all orders", function()
    local run = test.run(import, { input = { orders = { order("A-1", pens), order("A-2", pens, ink) } } })
    expect(run):succeeds { imported = 2, total = 38, problems = {} }
    expect(run:emitted "priced"):contains { id = "A-2", total = 23 }
  end)

  it("notes a bad order and goes on", function()
    local run = test.run(import, { input = { orders = { order("A-1"), order("A-2", ink) } } })
    expect(run):succeeds { imported = 1, total = 8, problems = { { id = "A-1", problem = test.any "string" } } }
  end)

  it("takes a hundred orders", function()
    local orders = {}
    for index = 1, 100 do orders[index] = order("A-" .. index, ink) end
    expect(test.run(import, { input = { orders = orders } }).result.total):equals(800)
  end)

  it("takes none", function()
    expect(test.run(import, { input = { orders = {} } })):succeeds { imported = 0, total = 0, problems = {} }
  end)

  it("stops when an order cannot be priced", function()
    local run = test.run(import, {
      input = { orders = { order("A-1", ink), order("A-2", ink) } },
      mocks = { ["orders[2]/price"] = { error = "the price list is gone" } },
    })
    expect(run):fails_with "the price list is gone"
  end)
end)
