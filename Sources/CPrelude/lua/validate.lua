-- Validation at run time. The host does all of it; a schema with functions of the script has to wait for the host, as
-- these run on the same thread once this coroutine is suspended.
local bridge, part = ...
local objects, compile = part "objects", part "compile"
local encode, request, sync = bridge.encode, bridge.request, bridge.sync

-- Equal schemas share what the host compiled: one that a handler makes anew in each call is compiled once.
local handles = {}

local function handle_of(json)
  local key = encode(json)
  local handle = handles[key]
  if handle == nil then
    handle = sync("schema_compile", json)
    handles[key] = handle
  end
  return handle
end

return function(schema, value)
  local state = objects.state(schema)
  if not state.handle then
    local json, calls = compile(schema)
    state.handle, state.ask = handle_of(json), calls and request or sync
  end
  local answer = state.ask("schema_validate", { schema = state.handle, value = value })
  if answer.issues then return { success = false, issues = answer.issues, message = answer.message } end
  return { success = true, data = answer.value }
end
