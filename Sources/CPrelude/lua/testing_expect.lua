-- `expect(value)`: the matchers, and the error that one raises which does not hold.
--
-- A matcher gets the value and its own arguments, and gives whether it holds, what to say where it should and does not,
-- what to say where it should not and does, and the differences that the report lists.
local _, part = ...
local errors, objects = part "errors", part "objects"
local compare, text = part "testing_compare", part "testing_text"
local error, getmetatable, ipairs, pairs, pcall = error, getmetatable, ipairs, pairs, pcall
local rawequal, rawget, rawlen, select = rawequal, rawget, rawlen, select
local setmetatable, tostring, type = setmetatable, tostring, type
local concat, find, format = table.concat, string.find, string.format
local gsub, lower = string.gsub, string.lower
local misuse = errors.misuse
local show = text.of

-- More differences than anyone reads.
local MAX_DIFFERENCES = 10

local matchers = {}

local function is_run(value) return type(value) == "table" and getmetatable(value) == "run" end

local function expect_run(value, matcher)
  if not is_run(value) then
    misuse("expect(run):%s is for what test.run returned, got %s", matcher, errors.kind(value))
  end
  return value
end

--- How a run ended, in words.
local function ending(run)
  if run.status == "success" then return "it succeeded with " .. show(run.result) end
  if run.error then
    return format("it %s: %s", run.status, run.error.message or run.error.reason or show(run.error))
  end
  return "its status is " .. tostring(run.status)
end

local function size_of(value)
  if type(value) == "string" then return #value end
  if type(value) ~= "table" then misuse("expected a list, a table or a text, got %s", errors.kind(value)) end
  local length = rawlen(value)
  if length > 0 then return length end
  for _ in pairs(value) do length = length + 1 end
  return length
end

local KINDS = {
  "boolean", "float", "function", "integer", "nil", "number", "string", "table", "thread", "userdata",
}

local function expect_kind(kind, call)
  for _, name in ipairs(KINDS) do
    if name == kind then return end
  end
  local hint = errors.hint(kind, KINDS)
  misuse("%s takes the name of a type, got %s%s", call, errors.shown(kind),
    hint == "" and ": one of " .. concat(KINDS, ", ") or hint)
end

--- Checks that a text is a Lua pattern.
local function expect_pattern(pattern, call)
  local ok, why = pcall(find, "", pattern)
  if not ok then misuse("%s: '%s' is no Lua pattern: %s", call, pattern, (gsub(why, "^.-malformed", "malformed"))) end
end

local function differing(differences)
  local first = differences[1]
  if first and #differences == 1 and first.path == "" then
    return format("expected %s, got %s", first.expected, first.actual), {}
  end
  return format("the values differ in %s", #differences == 1 and "one place" or #differences .. " places"), differences
end

-- Values -----------------------------------------------------------------------------------------------------------

function matchers.equals(actual, expected)
  local differences = compare.differences(expected, actual)
  local message, list = differing(differences)
  return #differences == 0, message, "expected anything but " .. show(expected), list
end

function matchers.is(actual, expected)
  return rawequal(actual, expected), format("expected the very same %s, got %s", show(expected), show(actual)),
    "expected another than " .. show(expected)
end

function matchers.is_nil(actual)
  return actual == nil, "expected nil, got " .. show(actual), "expected a value, got nil"
end

for name, wanted in pairs { is_true = true, is_false = false } do
  matchers[name] = function(actual)
    return actual == wanted, format("expected %s, got %s", wanted, show(actual)),
      "expected anything but " .. show(wanted)
  end
end

function matchers.is_a(actual, kind)
  expect_kind(kind, "expect(value):is_a")
  local own = math.type(actual) or type(actual)
  return own == kind or type(actual) == kind, format("expected %s, got %s", errors.a(kind), show(actual)),
    format("expected anything but %s, got %s", errors.a(kind), show(actual))
end

function matchers.contains(actual, wanted)
  local missing = compare.missing(actual, wanted)
  local message = format("expected it to contain %s, got %s", show(wanted), show(actual))
  local has_paths = missing[1] and missing[1].path ~= ""
  return #missing == 0, message, format("expected it not to contain %s, got %s", show(wanted), show(actual)),
    has_paths and missing or nil
end

function matchers.matches(actual, pattern)
  if type(pattern) == "string" then
    expect_pattern(pattern, "expect(value):matches")
    local is_text = type(actual) == "string"
    return is_text and find(actual, pattern) ~= nil,
      format("expected a text that matches '%s', got %s", pattern, show(actual)),
      format("expected a text that does not match '%s', got %s", pattern, show(actual))
  end
  local schema = part("schema") and part("schema_core").expect_schema(pattern, "expect(value):matches(s.string())")
  local verdict = part "validate"(schema, actual)
  return verdict.success, format("%s does not fit the schema: %s", show(actual), verdict.message),
    format("%s fits the schema", show(actual))
end

function matchers.has_length(actual, length)
  local own = size_of(actual)
  if math.type(length) ~= "integer" or length < 0 then
    misuse("expect(value):has_length takes a whole number from 0 on, got %s", errors.shown(length))
  end
  return own == length, format("expected a length of %d, got %d: %s", length, own, show(actual)),
    format("expected another length than %d", own)
end

function matchers.is_empty(actual)
  return size_of(actual) == 0, "expected it to be empty, got " .. show(actual), "expected it not to be empty"
end

local function numeric(name, word, holds)
  matchers[name] = function(actual, bound, ...)
    if type(bound) ~= "number" then
      misuse("expect(value):%s takes a number, got %s", name, errors.shown(bound))
    end
    return type(actual) == "number" and holds(actual, bound, ...),
      format("expected a number %s %s, got %s", word, show(bound), show(actual)),
      format("expected no number %s %s, got %s", word, show(bound), show(actual))
  end
end
numeric("is_greater_than", "greater than", function(a, b) return a > b end)
numeric("is_less_than", "less than", function(a, b) return a < b end)
numeric("is_close_to", "close to", function(a, b, tolerance)
  if tolerance == nil then tolerance = 1e-9 end
  if type(tolerance) ~= "number" or tolerance ~= tolerance or tolerance < 0 then
    misuse("expect(value):is_close_to takes how far off it may be, a number from 0 on, got %s", errors.shown(tolerance))
  end
  -- Infinities have no difference, and `equals` too takes two that are no numbers for the same.
  return a == b or a ~= a and b ~= b or math.abs(a - b) <= tolerance
end)

-- Failures ---------------------------------------------------------------------------------------------------------

function matchers.fails_with(actual, wanted)
  if wanted ~= nil and type(wanted) ~= "string" and type(wanted) ~= "table" then
    misuse("expect(…):fails_with takes a part of the message, or a table of the error's fields, got %s",
      errors.shown(wanted))
  end
  local failed, raised, otherwise
  if is_run(actual) then
    failed, raised, otherwise = actual.status == "failed", actual.error, ending(actual)
  elseif type(actual) == "function" then
    local ok, result = pcall(actual)
    failed, raised, otherwise = not ok, result, ok and "it returned " .. show(result)
  else
    misuse("expect(…):fails_with is for a function or for what test.run returned, got %s", errors.kind(actual))
  end
  local aim = wanted == nil and "to fail" or "to fail with " .. show(wanted)
  if not failed then return false, format("expected it %s, but %s", aim, otherwise), "" end
  local shown = show(type(raised) == "table" and { code = raised.code, message = errors.text(raised) } or raised)
  return compare.error_matches(raised, wanted), format("expected it %s, it failed with %s", aim, shown),
    format("expected it not %s, it failed with %s", aim, shown)
end

function matchers.fails(actual) return matchers.fails_with(actual, nil) end

-- Runs -------------------------------------------------------------------------------------------------------------

function matchers.succeeds(actual, ...)
  local run = expect_run(actual, "succeeds")
  if run.status ~= "success" then return false, "expected the run to succeed, but " .. ending(run), "" end
  if select("#", ...) == 0 then return true, "", "expected the run not to succeed, but " .. ending(run) end
  local holds, message, _, list = matchers.equals(run.result, (...))
  return holds, "the run succeeded, but " .. message, "expected another result than " .. show(run.result), list
end

function matchers.waits_for(actual, path)
  local run = expect_run(actual, "waits_for")
  local waiting = {}
  for _, step in ipairs(run.waiting) do
    if step.path == path or step.stepId == path or step.event == path then
      return true, "", format("expected the run not to wait for '%s'", path)
    end
    waiting[#waiting + 1] = step.path
  end
  local mocks = part "testing_mocks"
  mocks.expect_step(mocks.definition[run], path, "the run", true)
  local instead = #waiting > 0 and "it waits for " .. concat(waiting, ", ") or ending(run)
  return false, format("expected the run to wait for '%s', but %s", tostring(path), instead), ""
end

function matchers.ran(actual, path)
  local run = expect_run(actual, "ran")
  if run:step(path) then return true, "", format("expected '%s' not to run, but it did", tostring(path)) end
  local paths = {}
  for _, step in ipairs(run.snapshots) do paths[#paths + 1] = step.path end
  return false, format("expected '%s' to run; these did: %s", tostring(path), concat(paths, ", ")), ""
end

--- An event of a step by its name, or one of the engine's by its type; the rest of the table is a part of it.
function matchers.emitted(actual, wanted, data)
  local run = expect_run(actual, "emitted")
  if type(wanted) == "string" then wanted = { type = wanted, data = data } end
  errors.expect(wanted, "table", 'expect(run):emitted { type = "progress", data = { … } }')
  local names = {}
  for _, event in ipairs(run.events) do
    local shown = event
    if event.type == "step:event" then
      names[#names + 1] = tostring(event.data.name)
      if not find(tostring(wanted.type), ":", 1, true) then
        shown = { type = event.data.name, data = event.data.payload, path = event.path, stepId = event.stepId }
      end
    end
    if #compare.differences(wanted, shown, true) == 0 then
      return true, "", "expected the run not to emit " .. show(wanted)
    end
  end
  local list = #names > 0 and "its steps emitted " .. concat(names, ", ") or "its steps emitted nothing"
  return false, format("expected the run to emit %s; %s", show(wanted), list), ""
end

--- A span by its name, or by a part of what it is.
function matchers.traced(actual, wanted)
  local run = expect_run(actual, "traced")
  wanted = part "testing_span"(wanted)
  local names = {}
  for _, span in ipairs(run:spans()) do
    if #compare.differences(wanted, span, true) == 0 then
      return true, "", "expected no span " .. show(wanted)
    end
    names[#names + 1] = span.name == wanted.name and show(span) or span.name
  end
  return false, format("expected a span %s; there are %s", show(wanted),
    #names > 0 and concat(names, ", ") or "none"), ""
end

-- Names under which people who come from other libraries look for them.
local aliases = {
  to_equal = "equals", to_be = "is", to_be_nil = "is_nil", to_be_true = "is_true", to_be_false = "is_false",
  to_be_a = "is_a", to_contain = "contains", to_match = "matches", to_have_length = "has_length",
  to_be_empty = "is_empty", to_fail = "fails", to_fail_with = "fails_with", to_succeed = "succeeds",
  to_emit = "emitted", to_wait_for = "waits_for", to_be_close_to = "is_close_to",
  to_be_greater_than = "is_greater_than", to_be_less_than = "is_less_than",
}

local function raise(message, differences)
  local details
  if differences and #differences > 0 then
    details = { differences = {}, more = math.max(#differences - MAX_DIFFERENCES, 0) }
    for index = 1, math.min(#differences, MAX_DIFFERENCES) do details.differences[index] = differences[index] end
  end
  error({ code = "expectation_failed", message = message, details = details }, 0)
end

local expectation = { __name = "expectation", __metatable = "expectation" }
local VALUE, NEGATED = {}, {}

local function new(value, negated)
  return setmetatable({ [VALUE] = value, [NEGATED] = negated }, expectation)
end

local methods = {}
for name, matcher in pairs(matchers) do
  methods[name] = function(self, ...)
    if type(self) ~= "table" or getmetatable(self) ~= "expectation" then
      misuse("call it with a colon: expect(value):%s(…)", name)
    end
    local negated = rawget(self, NEGATED)
    local holds, message, opposite, differences = matcher(rawget(self, VALUE), ...)
    if holds and negated then raise(opposite) end
    if not holds and not negated then raise(message, differences) end
    return self
  end
end
for alias, name in pairs(aliases) do methods[alias] = methods[name] end

-- What other libraries call a matcher, and what is written after `expect(…)` here.
local elsewhere = {
  to = ":equals(value)", be = ":is(value)", is_not = ".never:is(value)", toNotBe = ".never:is(value)",
  toBeTruthy = ":is_true()", toBeFalsy = ":is_false()", toBeDefined = ".never:is_nil()",
  toBeUndefined = ":is_nil()", toBeNull = ":is_nil()", same = ":equals(value)", eq = ":equals(value)",
  throws = ':fails_with("message")', toThrow = ':fails_with("message")', to_throw = ':fails_with("message")',
}

--- `.never:equals` for `not_equals`, `toNotEqual` and the like; nil for a name without a `not`.
local function turned(key)
  local name, count = gsub(lower((gsub(key, "(%l)(%u)", "%1_%2"))), "^(.-)_?not_", "%1_", 1)
  name = gsub(gsub(name, "^_", ""), "^does_", "to_")
  if count == 1 and methods[name] then return ".never:" .. name end
end

function expectation.__index(self, key)
  if key == "never" then return new(rawget(self, VALUE), not rawget(self, NEGATED)) end
  local method = methods[key]
  if method then return method end
  local known = elsewhere[key] or type(key) == "string" and turned(key)
  if known then misuse("expect(…) has no '%s'; write expect(…)%s", key, known) end
  return misuse("expect(…) has no '%s'%s", tostring(key), errors.hint(key, errors.names(methods), ":"))
end

-- Placeholders -----------------------------------------------------------------------------------------------------

local function placeholder(label, check)
  return objects.new(compare.placeholder, { text = label, check = check })
end

local values = {}

--- Stands for any value; of a type, when one is given.
function values.any(kind)
  if kind == nil then return placeholder("test.any()", function(value) return value ~= nil end) end
  expect_kind(kind, "test.any")
  return placeholder(format('test.any("%s")', kind), function(value) return (matchers.is_a(value, kind)) end)
end

--- Stands for a text that matches a Lua pattern, or a value that fits a schema.
function values.matching(pattern)
  if type(pattern) == "string" then
    expect_pattern(pattern, "test.matching")
  else
    part("schema_core").expect_schema(part("schema") and pattern, "test.matching(s.string())")
  end
  return placeholder("test.matching(" .. show(pattern) .. ")", function(value)
    return (matchers.matches(value, pattern))
  end)
end

--- Stands for a text, a list or a table that contains this.
function values.containing(wanted)
  return placeholder("test.containing(" .. show(wanted) .. ")", function(value)
    return #compare.missing(value, wanted) == 0
  end)
end

--- What test files call, the values that stand for others, and the matchers by name.
return { expect = function(value) return new(value, false) end, values = values, matchers = matchers }
