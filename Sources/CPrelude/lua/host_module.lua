-- `aikit.host`: modules whose functions the program answers that runs the engine.
local bridge, part = ...
local errors = part "errors"
local rawequal, select, setmetatable, tostring, type = rawequal, select, setmetatable, tostring, type
local find = string.find
local misuse = errors.misuse

--- The module of a name. What functions it has only the program knows, so a wrong name is an error when it is called.
return function(name)
  errors.expect(name, "string", 'aikit.host "orders"')
  if not find(name, "^[%w_][%w_.-]*$") or find(name, "%.$") then
    misuse("aikit.host takes a name of letters, digits, '_', '-' and '.', got '%s'", name)
  end
  local functions, module = {}, {}
  return setmetatable(module, bridge.protect {
    __name = "host module", __metatable = "host module",
    __tostring = function() return "host module '" .. name .. "'" end,
    __index = function(_, key)
      if type(key) ~= "string" then misuse("a host module has names of functions, got %s", errors.kind(key)) end
      local call = functions[key]
      if not call then
        local operation = "host." .. name .. "." .. key
        function call(...)
          if rawequal((...), module) then misuse("call it with a dot: %s.%s(…)", name, key) end
          if select("#", ...) > 1 then
            misuse("%s.%s takes one value: put several into a table, as in %s.%s { id = 7 }", name, key, name, key)
          end
          return bridge.request(operation, (...))
        end
        functions[key] = call
      end
      return call
    end,
    __newindex = function(_, key) misuse("'%s' cannot be set: a host module does not change", tostring(key)) end,
    __call = function() misuse("a host module is not a function; write %s.name(…)", name) end,
  })
end
