-- Every example of the repository loads and commits.
local here = ...
local check, new_bridge = require "check", require "bridge"

local list = io.popen("ls '" .. here .. "../../examples/'*.lua 2>/dev/null")
for path in list:lines() do
  check.test(path:match "[^/]+$" .. " returns a committed workflow", function()
    local bridge = new_bridge()
    local environment = setmetatable({
      require = function(name) return assert(name == "aikit" and bridge.aikit, "only aikit is here") end,
    }, { __index = _G })
    local returned = assert(loadfile(path, "t", environment))()
    assert(#bridge.collect(returned) > 0)
  end)
end
list:close()
