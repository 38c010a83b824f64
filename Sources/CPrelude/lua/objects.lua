-- Values that a script can hold and call but not change: namespaces, steps, workflows, schemas.
local bridge, part = ...
local errors = part "errors"
local ipairs, next, rawget, setmetatable, tostring, type = ipairs, next, rawget, setmetatable, tostring, type
local protect = bridge.protect
local misuse = errors.misuse

local objects = {}

-- What every object holds. It lies here and not in the object, so that neither next nor rawget hands it out.
local states = setmetatable({}, { __mode = "k" })

--- What an object of `class` (or, without one, of any class) holds; nil for every other value.
function objects.state(value, class)
  if type(value) ~= "table" then return nil end
  local state = states[value]
  if state and (class == nil or state.class == class) then return state end
end

--- A class of objects: `methods`, `fields` (names readable in the state), a `remedy` for who tries to write.
--
-- `name` is what messages call an object of it. `events` are metamethods of its own, which go before the usual ones.
function objects.class(name, methods, fields, remedy, events)
  local class = { __name = name, __metatable = name }

  function class.__index(object, key)
    local method = methods[key]
    if method ~= nil then return method end
    if fields[key] then return states[object][key] end
    local names = errors.names(methods)
    local hint = errors.hint(key, names, ":")
    if hint == "" and #names > 0 then hint = "; it has :" .. table.concat(names, ", :") end
    misuse("%s has no '%s'%s", errors.a(name), tostring(key), hint)
  end

  function class.__newindex(_, key)
    misuse("'%s' cannot be set: %s does not change%s", tostring(key), errors.a(name), remedy or "")
  end

  function class.__tostring(object)
    local state = states[object]
    return state.id and (fields.kind and state.kind or name) .. " '" .. tostring(state.id) .. "'" or name
  end

  for event, handle in next, events or {} do class[event] = handle end
  return protect(class)
end

function objects.new(class, state)
  state.class = class
  local object = setmetatable({}, class)
  states[object] = state
  return object
end

--- A read-only table of functions, in which a wrong name is an error that suggests the right one.
--
-- `on_demand` maps names to functions that make the member at its first use, `elsewhere` what other libraries call a
-- member to its name here.
function objects.namespace(name, members, on_demand, elsewhere)
  on_demand = on_demand or {}
  setmetatable(members, {
    __index = function(_, key)
      local make = on_demand[key]
      if make then
        local member = make()
        members[key] = member
        return member
      end
      local names = errors.names(members)
      for _, other in ipairs(errors.names(on_demand)) do names[#names + 1] = other end
      local known = elsewhere and elsewhere[key]
      misuse("%s.%s does not exist%s", name, tostring(key),
        known and "; write " .. name .. "." .. known or errors.hint(key, names, name .. "."))
    end,
  })
  -- A step of the iteration gives one member, never the table of them.
  local function following(_, key) return next(members, key) end
  return setmetatable({}, protect {
    __name = name, __metatable = name,
    __index = members,
    __newindex = function(_, key) misuse("%s.%s cannot be set: the library does not change", name, tostring(key)) end,
    __pairs = function()
      for key, make in next, on_demand do members[key] = rawget(members, key) or make() end
      return following
    end,
  })
end

return objects
