local aikit = require "aikit"
local s = aikit.schema

local label = aikit.workflow { id = "label", input_schema = s.object { parcel = s.string() } }
  :step {
    id = "print",
    handler = function(input)
      if input.parcel == "anvil" then aikit.fail { code = "too_heavy", message = "an anvil takes no label" } end
      return { label = input.parcel:upper() }
    end,
  }
  :commit()

local ship = aikit.workflow { id = "ship" }
  :step {
    id = "labels",
    handler = function(order)
      local labels = {}
      for _, parcel in ipairs(order.parcels) do
        local ok, answer = pcall(aikit.start, label, { parcel = parcel }, { wait = true })
        labels[#labels + 1] = ok and answer.label or answer.code
      end
      return labels
    end,
  }
  :commit()

return { ship, label }
