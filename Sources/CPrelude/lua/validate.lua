-- Validation at run time. The host does all of it; a schema with functions of the script has to wait for the host, as
-- these run on the same thread once this coroutine is suspended.
local bridge, part = ...
local objects, compile = part "objects", part "compile"
local encode, request, sync = bridge.encode, bridge.request, bridge.sync
local error, pcall, tostring, type = error, pcall, tostring, type
local match = string.match

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

--- The answer for a value that cannot cross to the host, which fits no schema: one with functions, cycles, NaN or text
--- that is not UTF-8. Nil for any other.
local function refused_to_cross(value)
  local crosses, problem = pcall(encode, value, "value")
  if crosses or type(problem) ~= "table" or problem.code ~= "invalid_argument" then return nil end
  local text = tostring(problem.message)
  local path, message = match(text, "^value%.?(%S-) (.+)$")
  local issue = {
    path = path or "", pointer = "", keywordLocation = "#", code = "custom", expected = "a JSON value",
    received = "something else", message = message or text,
  }
  return { success = false, issues = { issue }, message = (path or "") == "" and issue.message or text }
end

return function(schema, value)
  local state = objects.state(schema)
  if not state.handle then
    local json, calls = compile(schema)
    state.handle, state.ask = handle_of(json), calls and request or sync
  end
  local reached, answer = pcall(state.ask, "schema_validate", { schema = state.handle, value = value })
  if not reached then return refused_to_cross(value) or error(answer, 0) end
  if answer.issues then return { success = false, issues = answer.issues, message = answer.message } end
  return { success = true, data = answer.value }
end
