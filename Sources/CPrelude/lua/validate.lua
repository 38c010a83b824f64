-- Validation at run time. The host does all of it; a schema with functions of the script has to wait for the host, as
-- these run on the same thread once this coroutine is suspended.
local bridge, part = ...
local objects, compile = part "objects", part "compile"
local request, sync = bridge.request, bridge.sync

return function(schema, value)
  local state = objects.state(schema)
  if not state.handle then
    local json, calls = compile(schema)
    state.handle, state.ask = sync("schema_compile", json), calls and request or sync
  end
  local answer = state.ask("schema_validate", { schema = state.handle, value = value })
  if answer.issues then return { success = false, issues = answer.issues, message = answer.message } end
  return { success = true, data = answer.value }
end
