-- Functions of the script by number: the host calls a function only by its slot.
local bridge = ...
local setmetatable = setmetatable

local slots = setmetatable({}, { __mode = "k" })

-- The bridge holds every function that has a slot, so these are held already.
local callbacks = {}

local registry = {}

--- The slot of a function; the same function always has the same one.
function registry.slot(callback)
  local slot = slots[callback]
  if slot == nil then
    slot = bridge.function_slot(callback)
    slots[callback], callbacks[slot] = slot, callback
  end
  return slot
end

--- The function of a slot.
function registry.callback(slot) return callbacks[slot] end

return registry
