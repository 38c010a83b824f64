local aikit = require "aikit"

--- A step that says where the order goes.
local function ship(id, carrier)
  return aikit.step { id = id, handler = function(order) return { order = order.id, carrier = carrier } end }
end

local customs = aikit.step {
  id = "customs",
  handler = function(order) return { id = order.id, weight = order.weight, country = order.country, papers = true } end,
}

return aikit.workflow { id = "shipping" }
  :branch {
    id = "where-to",
    resolve = function(order)
      if order.country == "FR" then return "home" end
      if order.country == "CH" or order.country == "GB" then return "abroad" end
    end,
    cases = {
      home = ship("post", "La Poste"),
      abroad = {
        customs,
        aikit.branch {
          id = "weight",
          resolve = function(order) return order.weight > 20 and 2 or 1 end,
          cases = { ship("parcel", "parcel service"), ship("freight", "freight forwarder") },
        },
      },
    },
    otherwise = ship("quote", "ask for a quote"),
  }
  :commit()
