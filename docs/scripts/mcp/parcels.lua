local aikit = require "aikit"
local s = aikit.schema

local quote = aikit.workflow {
  id = "quote",
  description = "Says what sending a parcel costs, in euros.",
  input_schema = s.object { weight = s.number():gt(0):describe("In kilograms"), express = s.boolean():default(false) },
  output_schema = s.object { price = s.number() },
}:step(aikit.step {
  id = "price",
  handler = function(parcel) return { price = (parcel.express and 9 or 4) + parcel.weight * 1.5 } end,
}):commit()

local order = aikit.workflow {
  id = "order",
  description = "Orders the pick-up of a parcel, which a person confirms.",
  input_schema = s.object { address = s.string() },
}:human {
  id = "confirm",
  output = function(parcel) return "Pick a parcel up at " .. parcel.address .. "?" end,
  response_schema = s.object { confirmed = s.boolean() },
}:commit()

return { quote, order }
