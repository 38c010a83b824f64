local aikit = require "aikit"

local parcels = aikit.mcp {
  command = { "aikit-lua", "mcp", "mcp" }, -- the workflows in the folder mcp, from above
  allow = { "quote" },
}

return aikit.workflow { id = "compare", description = "Finds the cheaper way to send a parcel." }
  :step {
    id = "ask",
    handler = function(input, context)
      return context:once("quotes", function()
        local slow = parcels:call("quote", { weight = input.weight })
        local fast = parcels:call("quote", { weight = input.weight, express = true })
        return { slow = slow.price, fast = fast.price }
      end)
    end,
  }
  :commit()
