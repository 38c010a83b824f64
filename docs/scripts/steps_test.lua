local aikit = require "aikit"
local s = aikit.schema

local double = aikit.step {
  id = "double",
  input_schema = s.object { n = s.integer() },
  handler = function(input, context) return { n = input.n * (context.ctx.factor or 2) } end,
}

describe("double", function()
  it("doubles", function()
    expect(double:run { n = 2 }):equals { n = 4 }
    expect(double:run({ n = 2 }, { ctx = { factor = 10 } })):equals { n = 20 }
  end)

  it("refuses what is no number", function()
    expect(function() double:run { n = "two" } end):fails_with { code = "invalid_input" }
  end)
end)
