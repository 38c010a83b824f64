-- Validation at run time. The host does all of it; a schema with functions of the script has to wait for the host, as
-- these run on the same thread once this coroutine is suspended.
local bridge, part = ...
local objects, compile, slots = part "objects", part "compile", part "slots"
local encode, request, sync = bridge.encode, bridge.request, bridge.sync
local error, pcall, setmetatable, tostring, type = error, pcall, setmetatable, tostring, type
local match = string.match

-- Equal schemas share what the host compiled for as long as one of them lives. Its lease ends when it is collected:
-- then the slots of its functions are free, and the host is told at the next occasion that nobody has the schema any
-- more.
local leases = setmetatable({}, { __mode = "v" })
local handles = setmetatable({}, { __mode = "k" })

local function lease_of(json, slots_of_it)
  local key = encode(json)
  local lease = leases[key]
  if lease == nil then
    local released = bridge.released()
    if released then sync("schema_release", released) end
    local handle = sync("schema_compile", json)
    lease = bridge.lease(handle, slots_of_it)
    leases[key], handles[lease] = lease, handle
  end
  return lease
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
    local slots_of_it, json, calls = slots.leased(compile, schema)
    state.lease = lease_of(json, slots_of_it)
    state.handle, state.ask = handles[state.lease], calls and request or sync
  end
  local reached, answer = pcall(state.ask, "schema_validate", { schema = state.handle, value = value })
  if not reached then return refused_to_cross(value) or error(answer, 0) end
  if answer.issues then return { success = false, issues = answer.issues, message = answer.message } end
  return { success = true, data = answer.value }
end
