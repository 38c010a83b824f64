-- Tests of the Lua library over a bridge written in Lua:
--   lua5.4 Tests/Lua/run.lua                      runs them
--   lua5.4 Tests/Lua/run.lua --write-reference    makes docs/reference.md again
local here = arg[0]:match("^(.*/)") or "./"
package.path = here .. "?.lua;" .. package.path

if arg[1] == "--write-reference" then
  local file = assert(io.open(here .. "../../docs/reference.md", "wb"))
  file:write(require "bridge"().document "reference")
  file:close()
  os.exit(true)
end

local check = require "check"
local suites = {
  "builder", "schema", "validate", "context", "host", "arguments", "secret", "start", "stream", "modules",
  "forms", "agent", "mcp", "docs", "types", "hooks", "examples", "testing", "repl",
}
for _, suite in ipairs(suites) do
  assert(loadfile(here .. suite .. "_test.lua"))(here)
end

print(("%d passed, %d failed"):format(check.passed, check.failed))
os.exit(check.failed == 0)
