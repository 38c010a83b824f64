-- Functions of the script by number: the host calls a function only by its slot.
local bridge = ...
local pairs, setmetatable = pairs, setmetatable

local slots, pairs_of = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "k" })

local registry = {}

--- The slot of a function; the same function always has the same one.
function registry.slot(callback)
  local slot = slots[callback]
  if slot == nil then
    slot = bridge.function_slot(callback)
    slots[callback] = slot
  end
  return slot
end

--- The function in a slot.
function registry.callback(slot)
  for callback, its in pairs(slots) do
    if its == slot then return callback end
  end
end

--- The slot of a function of which the host gets two results, as a list.
function registry.slot_of_two(callback)
  local slot = pairs_of[callback]
  if slot == nil then
    slot = bridge.function_slot(callback, "two")
    pairs_of[callback] = slot
  end
  return slot
end

return registry
