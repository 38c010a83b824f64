-- The methods of a step's `context`; its fields come straight from the host.
local bridge, part = ...
local errors = part "errors"
local pairs, tostring, type = pairs, tostring, type
local get, effect = bridge.context_get, bridge.context_effect
local misuse = errors.misuse

local context = {}

local LEVELS = { debug = true, info = true, warn = true, error = true }

--- Publishes an event of the step: watchers see it at once, and the journal keeps it.
function context:emit(event)
  if type(event) ~= "table" then
    misuse('context:emit takes one table, got %s: write context:emit { type = "progress", data = { … } }',
      errors.kind(event))
  end
  errors.known(event, { "type", "data" }, "context:emit")
  if type(event.type) ~= "string" or event.type == "" then
    misuse('context:emit needs the name of the event: write context:emit { type = "progress", data = { … } }')
  end
  effect(self, "emit", event.type, event.data)
end

--- A copy of the run's metadata.
function context:get_metadata() return get(self, "metadata") or {} end

--- What `change` returns for a copy of `current`; a table may stand for the function.
local function changed(change, current, method)
  local result = change
  if type(change) == "function" then result = change(current) end
  if type(result) ~= "table" then
    misuse("context:%s takes a function that returns a table, got %s%s: write function(t) t.key = 1; return t end",
      method, errors.kind(result), type(change) == "function" and " from it" or "")
  end
  return result
end

--- Merges what `change` returns into the run's metadata, key by key.
function context:update_metadata(change)
  local updates = changed(change, get(self, "metadata") or {}, "update_metadata")
  local metadata = get(self, "metadata") or {}
  for key, value in pairs(updates) do metadata[key] = value end
  effect(self, "metadata", nil, metadata)
end

--- Replaces the run's ctx by what `change` returns.
function context:update_ctx(change)
  if get(self, "ctx_read_only") then
    misuse("context:update_ctx: this step runs beside others, which would overwrite each other's changes; "
      .. "return the values from the step and update ctx in one that comes after")
  end
  effect(self, "ctx", nil, changed(change, get(self, "ctx") or {}, "update_ctx"))
end

--- Keeps an entry of the run's log: an event of the run, which is shown besides to whoever looks on.
function context:log(level, message, fields)
  if not LEVELS[level] then
    misuse("context:log takes a level first, got '%s'%s: write context:log(\"info\", \"message\", { … })",
      tostring(level), errors.hint(level, errors.names(LEVELS)))
  end
  if message == nil then
    misuse("context:log takes a message after the level: write context:log(\"%s\", \"message\", { … })", level)
  end
  if fields ~= nil and type(fields) ~= "table" then
    misuse("context:log takes a table of fields after the message, got %s: "
      .. "write context:log(\"%s\", \"message\", { … })", errors.kind(fields), level)
  end
  effect(self, "log", level, { message = tostring(message), fields = fields, time = bridge.sync("now") })
end

return context
