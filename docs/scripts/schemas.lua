local aikit = require "aikit"
local s = aikit.schema

local line = s.object {
  sku = s.string():pattern "^[A-Z]{3}-\\d+$",
  count = s.integer():min(1):default(1),
  price = s.number():positive(),
}

local order = s.object {
  customer = s.object { name = s.string():trim():min(1), email = s.string():email():optional() },
  lines = s.array(line):min(1),
  ship = s.discriminated_union("by", {
    s.object { by = s.literal "post", address = s.string() },
    s.object { by = s.literal "pickup", shop = s.enum { "north", "south" } },
  }),
}:refine(function(value)
  return value.ship.by ~= "pickup" or #value.lines <= 3
end, { message = "three lines at most can be picked up", path = "lines" })

local total = aikit.step {
  id = "total",
  input_schema = order,
  output_schema = s.object { total = s.number() },
  ---@param input Shop.Total.Input
  handler = function(input)
    local sum = 0
    for _, item in ipairs(input.lines) do sum = sum + item.count * item.price end
    return { total = sum }
  end,
}

return aikit.workflow { id = "shop", input_schema = order, output_schema = s.object { total = s.number() } }
  :step(total)
  :commit()
