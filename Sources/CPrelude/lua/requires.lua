-- `aikit.requires`: the permissions that a script needs, said at its top level.
local bridge, part = ...
local errors = part "errors"
local ipairs, type = ipairs, type
local misuse = errors.misuse

local KINDS = { "net", "env", "read", "write", "run", "secret", "model" }

--- Tells the host; a kind is `true` for all of it, or a list of names.
return function(permissions)
  local usage = 'aikit.requires { net = { "api.example.com" } }'
  errors.known(errors.expect(permissions, "table", usage), KINDS, "aikit.requires")
  local needed = {}
  for kind, names in errors.each(permissions) do
    if names == true then
      needed[kind] = "*"
    elseif type(names) == "string" then
      needed[kind] = { names }
    elseif names ~= false then
      errors.expect(names, "table", usage)
      errors.count(names, "aikit.requires: `" .. kind .. "`")
      needed[kind] = {}
      for index, name in ipairs(names) do needed[kind][index] = errors.expect(name, "string", usage) end
      if #needed[kind] == 0 then misuse("aikit.requires: `%s` names nothing", kind) end
    end
  end
  bridge.sync("requires", needed)
end
