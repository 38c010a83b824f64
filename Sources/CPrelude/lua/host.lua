-- The functions of `aikit` that ask the host for something: every effect of a script goes through these two calls,
-- `bridge.request`, which waits for the answer, and `bridge.sync`, which has it at once.
local bridge, part = ...
local errors, objects = part "errors", part "objects"
local error, getmetatable, ipairs, setmetatable = error, getmetatable, ipairs, setmetatable
local pcall, tonumber, tostring, type = pcall, tonumber, tostring, type
local gsub, match, tointeger = string.gsub, string.match, math.tointeger
local request, sync, random = bridge.request, bridge.sync, bridge.random
local misuse = errors.misuse

local host = {}

-- Durations ----------------------------------------------------------------------------------------------------------

local UNITS = { [""] = true, ms = true, s = true, m = true, h = true, d = true }

--- Whether the value is a duration: seconds, or a text like "200ms".
local function is_duration(value)
  if type(value) == "number" then return value >= 0 and value < math.huge end
  if type(value) ~= "string" then return false end
  local number, unit = match(value, "^ *([%d.]+) *(%a*) *$")
  return tonumber(number) ~= nil and UNITS[unit] ~= nil
end

-- Errors -----------------------------------------------------------------------------------------------------------

local failure = {
  __name = "failure", __metatable = "failure",
  __tostring = function(self) return tostring(self.message) end,
}

--- Ends the step with an error: `{ code, message, retryable, retry_after, details }`, or a message alone.
function host.fail(options)
  if type(options) == "string" then options = { message = options } end
  if type(options) ~= "table" then
    misuse('aikit.fail takes a message or a table, got %s: write aikit.fail { code = "…", message = "…" }',
      errors.kind(options))
  end
  errors.known(options, { "code", "message", "retryable", "retry_after", "details" }, "aikit.fail")
  if options.code ~= nil and type(options.code) ~= "string" and type(options.code) ~= "number" then
    misuse("aikit.fail: `code` takes a text, got %s", errors.kind(options.code))
  end
  if options.retryable ~= nil and type(options.retryable) ~= "boolean" then
    misuse("aikit.fail: `retryable` takes true or false, got %s", errors.shown(options.retryable))
  end
  if options.retry_after ~= nil and not is_duration(options.retry_after) then
    misuse('aikit.fail: `retry_after` takes seconds or a text like "30s", got %s', errors.shown(options.retry_after))
  end
  error(setmetatable({
    code = options.code or "failed", message = tostring(options.message or options.code or "failed"),
    retryable = options.retryable, retry_after = options.retry_after, details = options.details,
  }, failure), 0)
end

-- Values -----------------------------------------------------------------------------------------------------------

--- Marks a table as a list, so that it stays one when it is empty.
function host.array(list)
  list = errors.expect(list == nil and {} or list, "table", "aikit.array { … }")
  return getmetatable(list) == "array" and list or setmetatable(list, bridge.array_metatable)
end

local json = {}

--- The value as JSON text; keys are sorted, and `{ pretty = true }` breaks lines.
function json.encode(value, options)
  local pretty = options ~= nil and errors.known(options, { "pretty" }, "aikit.json.encode").pretty
  local ok, text = pcall(sync, pretty and "json.encode_pretty" or "json.encode", value)
  if ok then return text end
  -- The path of what cannot be encoded begins with the name of the operation.
  return misuse("aikit.json.encode: %s", (gsub(errors.text(text), "^json%.encode[_%l]*", "value")))
end

--- The value of JSON text; null in a list becomes aikit.null.
function json.decode(text) return bridge.decode_json(errors.expect(text, "string", "aikit.json.decode(text)")) end

host.json = objects.namespace("aikit.json", json, nil, {
  parse = "decode", loads = "decode", load = "decode", stringify = "encode", dumps = "encode", dump = "encode",
})

-- Time and chance --------------------------------------------------------------------------------------------------

--- Waits without holding up anything else; a number is seconds, a string like "200ms" says its unit.
function host.sleep(duration)
  if not is_duration(duration) then
    misuse('aikit.sleep takes seconds or a text like "200ms" or "2h", got %s', errors.shown(duration))
  end
  request("sleep", duration)
end

--- Milliseconds since 1970.
function host.now() return bridge.now() end

--- A new random UUID.
function host.uuid() return bridge.uuid() end

--- Like math.random: a float in [0, 1), an integer in [1, m], an integer in [m, n].
function host.random(low, high)
  if low == nil then return random() end
  if high == nil then low, high = 1, low end
  local from, to = tointeger(low), tointeger(high)
  if not from or not to then
    misuse("aikit.random takes integers: write aikit.random(), aikit.random(6) or aikit.random(1, 6)")
  end
  if from > to then misuse("aikit.random: there is no integer from %d to %d", from, to) end
  return random(from, to)
end

-- Concurrency ------------------------------------------------------------------------------------------------------

--- Runs functions beside each other and gives their results, by index or by name, when all are done.
function host.all(functions)
  errors.expect(functions, "table", "aikit.all { function() … end, function() … end }")
  local names, list = {}, {}
  for _, name in ipairs(errors.ordered_keys(functions)) do
    local run = functions[name]
    if type(run) ~= "function" then
      misuse("aikit.all takes functions, got %s at '%s': write function() return … end around the call",
        errors.kind(run), tostring(name))
    end
    names[#names + 1], list[#list + 1] = name, run
  end
  local answers, results = bridge.all(list), {}
  for index, name in ipairs(names) do results[name] = answers[index] end
  return results
end

-- Logging ----------------------------------------------------------------------------------------------------------

local log = {}
for _, level in ipairs { "debug", "info", "warn", "error" } do
  log[level] = function(message, fields)
    if fields ~= nil and type(fields) ~= "table" then
      misuse('aikit.log.%s takes a table of fields after the message, got %s: write aikit.log.%s("message", { … })',
        level, errors.kind(fields), level)
    end
    sync("log", { level = level, message = tostring(message), fields = fields, where = bridge.where(1) })
  end
end
host.log = objects.namespace("aikit.log", log, nil, {
  ["()"] = 'aikit.log.info("message")', log = "info", trace = "debug", notice = "info", warning = "warn",
  fatal = "error",
})

return host
