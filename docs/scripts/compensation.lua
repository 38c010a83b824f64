local aikit = require "aikit"

local function book(what, opts)
  return aikit.step {
    id = what,
    retry = opts.retry,
    handler = function(trip)
      if opts.fails then aikit.fail { code = "sold_out", message = "no " .. what .. " left", retryable = false } end
      trip[what] = what .. "-" .. trip.traveller
      return trip
    end,
    -- What it gave, what it got, and the context, whose idempotency key is not that of the booking itself.
    compensate = function(output, _, context)
      if opts.flaky and context.attempt < opts.flaky then error("the " .. what .. " office is closed", 0) end
      print("cancels " .. output[what] .. " with the key " .. context.idempotency_key)
    end,
  }
end

return aikit.workflow {
    id = "trip",
    on_failure = function(failure)
      local undone = table.concat(failure.compensation.undone, ", ")
      print("tells the traveller: " .. failure.message .. "; undone: " .. undone)
    end,
  }
  :step(book("hotel", { flaky = 2, retry = { max_attempts = 2, initial = "10ms" } }))
  :parallel { id = "transport", branches = {
    train = { book("train", {}) },
    car = { book("car", { flaky = 9 }) },
  }, aggregate = function(booked, context)
    return { traveller = context.input.traveller, train = booked.train.train, car = booked.car.car }
  end }
  :step(book("flight", { fails = true }))
  :commit()
