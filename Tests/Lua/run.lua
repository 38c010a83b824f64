-- Tests of the Lua library over a bridge written in Lua:  lua5.4 Tests/Lua/run.lua
local here = arg[0]:match("^(.*/)") or "./"
package.path = here .. "?.lua;" .. package.path

local check = require "check"
for _, suite in ipairs { "builder", "schema", "examples" } do
  local file = here .. suite .. "_test.lua"
  assert(loadfile(file))(here)
end

print(("%d passed, %d failed"):format(check.passed, check.failed))
os.exit(check.failed == 0)
