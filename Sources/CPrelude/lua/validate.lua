-- Validation at run time: the host checks the values, the schema's own functions run here.
--
-- A host function cannot call back into Lua, so the host answers with the refinements and transformations that the
-- value has come to (`pending`, innermost first), and they are run in that order.
local bridge, part = ...
local objects, compile, callback_of = part "objects", part "compile", part("slots").callback
local ipairs, tostring = ipairs, tostring

local function follow(value, path, count)
  for index = 1, count do value = value[path[index]] end
  return value
end

local function label(path)
  local text = ""
  for _, key in ipairs(path) do
    text = text .. (math.type(key) and "[" .. key .. "]" or (text == "" and "" or ".") .. key)
  end
  return text
end

return function(schema, value)
  local state = objects.state(schema)
  state.handle = state.handle or bridge.sync("schema_compile", compile(schema))
  local answer = bridge.sync("schema_validate", { schema = state.handle, value = value })
  local issues, holder = answer.issues or {}, { answer.value }

  for _, entry in ipairs(answer.pending or {}) do
    local path, callback = entry.path, callback_of(entry.slot)
    local current = follow(holder[1], path, #path)
    if entry.transform then
      if #issues > 0 then break end
      local changed = callback(current)
      if #path == 0 then holder[1] = changed else follow(holder[1], path, #path - 1)[path[#path]] = changed end
    else
      local fits, why = callback(current)
      if not fits then
        local message = why or entry.message or "is refused by a check"
        issues[#issues + 1] = { path = path, code = "custom", message = message }
      end
    end
  end

  if #issues == 0 then return { success = true, data = holder[1] } end
  local first = issues[1]
  local where = label(first.path or {})
  local message = (where == "" and "" or where .. ": ") .. tostring(first.message)
  if #issues > 1 then message = message .. (" (and %d more)"):format(#issues - 1) end
  return { success = false, issues = issues, message = message }
end
