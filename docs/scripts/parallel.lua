local aikit = require "aikit"

local function contains(list, wanted)
  for _, item in ipairs(list or {}) do
    if item == wanted then return true end
  end
  return false
end

local function supplier(id, price, days)
  return aikit.step {
    id = id,
    handler = function(order)
      aikit.sleep(days * 10 .. "ms")
      if contains(order.unreachable, id) then aikit.fail "no answer" end
      return { price = price * order.count, days = days }
    end,
  }
end

return aikit.workflow { id = "offers" }
  :parallel {
    id = "ask",
    branches = { north = supplier("north", 12, 2), south = supplier("south", 9, 5), west = supplier("west", 11, 3) },
    on_error = "wait-all",
    aggregate = function(offers)
      local best
      for name, offer in pairs(offers) do
        if not best or offer.price < best.price then best = { from = name, price = offer.price, days = offer.days } end
      end
      return best
    end,
  }
  :commit()
