-- `aikit.env`: the variables of the host's environment that it grants.
local bridge, part = ...
local errors, objects = part "errors", part "objects"

local env = {}

--- The value of a variable; `default` where it is not set.
function env.get(name, default)
  local value = bridge.request("env.get", { name = errors.expect(name, "string", 'aikit.env.get "HOME"') })
  if value == nil or value == bridge.null then return default end
  return value
end

--- All variables that are granted, by name.
function env.all() return bridge.request("env.all", {}) end

return objects.namespace("aikit.env", env)
