-- Functions of the script by number: the host calls a function only by its slot.
local bridge = ...
local error, pairs, pcall, setmetatable = error, pairs, pcall, setmetatable

local slots, pairs_of = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "k" })

local registry = {}

-- The slots that the schema of a handler has been given so far; nil while none is compiled.
local leased

local function own_slot(callback, two)
  local slot = bridge.function_slot(callback, two)
  leased[#leased + 1] = slot
  return slot
end

--- Calls `make`, in which every function gets a slot of its own: those slots, and two results of `make`.
function registry.leased(make, ...)
  local outer = leased
  leased = {}
  local made, one, two = pcall(make, ...)
  local slots_of_it = leased
  leased = outer
  if not made then error(one, 0) end
  return slots_of_it, one, two
end

--- The slot of a function; the same function always has the same one.
function registry.slot(callback)
  if leased then return own_slot(callback) end
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
  if leased then return own_slot(callback, "two") end
  local slot = pairs_of[callback]
  if slot == nil then
    slot = bridge.function_slot(callback, "two")
    pairs_of[callback] = slot
  end
  return slot
end

return registry
