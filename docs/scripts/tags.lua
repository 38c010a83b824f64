local aikit = require "aikit"
local s = aikit.schema

return aikit.workflow {
    id = "parcel",
    input_schema = s.object { region = s.string(), weight = s.number() },
    tags = function(input) return { region = input.region, heavy = input.weight > 20 } end,
  }
  :step {
    id = "price",
    handler = function(parcel, context)
      local price = math.ceil(parcel.weight * 1.5)
      context:set_tags { price = price, priced = true }
      return { price = price }
    end,
  }
  :commit()
