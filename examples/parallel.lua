-- Branches beside each other: quotes put together by `aggregate`, then bookings that all run to their end (`wait-all`).
--
--   aikit-lua run examples/parallel.lua --input '{"days": 3}'
--   aikit-lua run examples/parallel.lua --input '{"days": 3, "sold_out": ["flight", "hotel"]}'     fails, naming both
local aikit = require "aikit"
local s = aikit.schema

local function quote(id, price, per_day)
  return aikit.step {
    id = "quote-" .. id,
    output_schema = s.object { price = s.number() },
    handler = function(trip)
      aikit.sleep "50ms"
      return { price = per_day and price * trip.days or price }
    end,
  }
end

local function book(id)
  return aikit.step {
    id = "book-" .. id,
    handler = function(offer, context)
      for _, name in ipairs(context.initial_input.sold_out) do
        if name == id then
          aikit.fail { code = "sold_out", message = "the " .. id .. " is sold out", retryable = false }
        end
      end
      return { reference = id:upper() .. "-" .. context.run_id:sub(1, 6), price = offer.prices[id] }
    end,
  }
end

return aikit.workflow {
    id = "trip",
    description = "Quote and book a trip",
    input_schema = s.object {
      days = s.integer():min(1):max(60),
      sold_out = s.array(s.enum { "flight", "hotel", "car" }):default {},
    },
  }
  :parallel {
    id = "quotes",
    branches = { flight = quote("flight", 240), hotel = quote("hotel", 85, true), car = quote("car", 40, true) },
    aggregate = function(quotes)
      local offer = { prices = {}, total = 0 }
      for name, answer in pairs(quotes) do
        offer.prices[name] = answer.price
        offer.total = offer.total + answer.price
      end
      return offer
    end,
  }
  :parallel {
    id = "bookings",
    branches = { flight = book "flight", hotel = book "hotel", car = book "car" },
    -- A booking under way is not torn down because another failed: the error at the end names every one that did.
    on_error = "wait-all",
  }
  :commit()
