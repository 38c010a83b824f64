-- The methods of a step's `context`; its fields come straight from the host.
local bridge, part = ...
local errors = part "errors"
local error, getmetatable, ipairs, next, pairs = error, getmetatable, ipairs, next, pairs
local pcall, tostring, type = pcall, tostring, type
local match, sub = string.match, string.sub
local huge, len = math.huge, utf8.len
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

--- A copy of what the run is found by.
function context:get_tags() return get(self, "tags") or {} end

--- Has the run found by these names and values besides those that it has; `aikit.null` takes a name away.
function context:set_tags(changes)
  local current = get(self, "tags") or {}
  effect(self, "tags", nil, part("tags").changed(current, changes))
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
  effect(self, "log", level, { message = tostring(message), fields = fields, time = bridge.now() })
end

-- Recorded once, and not recorded ----------------------------------------------------------------------------------

--- What `body` returned the first time that it ran to its end for this start of the step; later it is not called.
--
-- The result is durable before the handler goes on, so it lasts over attempts and crashes. An error of `body` is raised
-- and records nothing.
function context:once(name, body)
  get(self, "path")
  local once = part "once"
  once.expect(name, body, misuse)
  return once.run({ name = name }, function()
    local value = body()
    -- It may have waited for longer than its step.
    get(self, "path")
    return value
  end)
end

--- Ends the run, which succeeds without a result, and begins another one of the same workflow with this input, the
-- metadata, the ctx and the tags of this one, and an empty journal. It does not return.
function context:restart(input)
  get(self, "path")
  bridge.request("restart", { input = input })
end

--- Tells whoever watches the run of something at once. Nobody records it.
function context:stream(data)
  get(self, "path")
  if data == nil then misuse("context:stream takes a value: write context:stream { text = \"…\" }") end
  bridge.request("stream", data)
end

-- Traces -----------------------------------------------------------------------------------------------------------

--- The beginnings of names, and the names, that the engine's own attributes have.
local RESERVED = { "ai_kit.", "gen_ai.", "langfuse." }
local RESERVED_NAMES = { ["user.id"] = true, ["session.id"] = true, ["error.type"] = true }

local function is_reserved(name)
  for _, prefix in ipairs(RESERVED) do
    if sub(name, 1, #prefix) == prefix then return true end
  end
  return RESERVED_NAMES[name]
end

--- Checks the attributes of a span: names with texts, numbers and booleans.
local function check_attributes(attributes, method)
  if type(attributes) ~= "table" then
    misuse('context:%s takes a table of attributes, got %s: write { customer = "Ada" }', method,
      errors.kind(attributes))
  end
  for name, value in errors.each(attributes) do
    local kind = type(value)
    if type(name) ~= "string" or name == "" then
      misuse('context:%s: an attribute has a name, got a value under %s: write { customer = "Ada" }', method,
        name == "" and "''" or tostring(name))
    elseif not len(name) then
      misuse("context:%s: the name of an attribute is not valid UTF-8", method)
    elseif is_reserved(name) then
      misuse("context:%s: '%s' is a name of the engine's own attributes (ai_kit.*, gen_ai.*, langfuse.*, user.id, "
        .. "session.id, error.type): give it another one, such as 'app.%s'", method, name, match(name, "[^.]*$"))
    elseif kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
      misuse("context:%s: the attribute '%s' takes text, a number or a boolean, got %s", method, name,
        errors.kind(value))
    elseif kind == "string" and not len(value) then
      misuse("context:%s: the attribute '%s' is not valid UTF-8", method, name)
    elseif kind == "number" and (value ~= value or value == huge or value == -huge) then
      misuse("context:%s: the attribute '%s' takes a finite number, got %s", method, name,
        value ~= value and "NaN" or tostring(value))
    end
  end
  return attributes
end

--- Adds an attribute to the step's span; of a name that is set twice the last value counts.
function context:set_attribute(name, value)
  if type(name) ~= "string" or name == "" then
    misuse('context:set_attribute takes a name and a value, got %s: write context:set_attribute("customer", "Ada")',
      errors.kind(name))
  end
  effect(self, "trace", nil, { attributes = check_attributes({ [name] = value }, "set_attribute") })
end

--- Writes a span's whole record when its body has ended, and passes on what the body gave or raised.
local function finish(self, span, record, ok, ...)
  part("context_trace").finish(span)
  record["end"] = bridge.now()
  if not ok then record.error = errors.text((...)) end
  effect(self, "trace", nil, { span = record })
  if not ok then error((...), 0) end
  return ...
end

--- Runs `body` in a span of its own, below the step's or the one around it, and returns what it returns.
function context:span(name, attributes, body)
  if body == nil then attributes, body = nil, attributes end
  if type(name) ~= "string" or name == "" or type(body) ~= "function" then
    misuse('context:span takes a name, attributes if you like, and a function: '
      .. 'write context:span("price", { items = 3 }, function() … end)')
  end
  if not len(name) then misuse "context:span: the name is not valid UTF-8" end
  if attributes ~= nil and next(check_attributes(attributes, "span")) == nil then attributes = nil end
  local span = part("context_trace").begin(self)
  local record = {
    name = name, index = span.index, parent = span.parent, attributes = attributes, start = bridge.now(),
  }
  -- Its body may be stopped, and then nothing more is written of it.
  effect(self, "trace", nil, { span = record })
  return finish(self, span, record, pcall(body))
end

-- A script cannot make a value of this metatable.
return errors.with_colon(context, function(self) return getmetatable(self) == "context" end, "context")
