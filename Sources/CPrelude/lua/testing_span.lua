-- What `expect(run):traced` is given: a name, or a part of a span, whose fields are checked before one is looked for.
local _, part = ...
local errors, objects, compare = part "errors", part "objects", part "testing_compare"
local ipairs, next, tostring, type = ipairs, next, tostring, type
local concat, format = table.concat, string.format
local len = utf8.len
local misuse = errors.misuse

local SPAN = { attributes = "table", events = "table", kind = "string", message = "string", name = "string",
  parent = "string", status = "string" }
-- What some fields of a span are one of.
local SPAN_WORDS = {
  kind = { client = true, internal = true, server = true }, status = { error = true, ok = true, unset = true },
}
local SPAN_USAGE = {
  attributes = "{ items = 3 }", events = '{ { name = "log" } }', kind = '"internal" or "client"',
  message = '"no price"', name = '"w.step.price"', parent = '"w.step.lines"', status = '"ok", "error" or "unset"',
}

--- Whether a value stands for others, so that there is nothing to check of it.
local function is_placeholder(value) return objects.state(value, compare.placeholder) ~= nil end

--- Refuses what no span could have in a field.
local function check_span_field(name, value)
  if is_placeholder(value) then return end
  local words = SPAN_WORDS[name]
  if type(value) ~= SPAN[name] or objects.state(value) or words and not words[value] then
    misuse("expect(run):traced: `%s` takes %s, got %s: write %s = %s", name,
      words and "one of " .. concat(errors.names(words), ", ") or errors.a(SPAN[name]),
      type(value) == "string" and "'" .. value .. "'" or errors.kind(value), name, SPAN_USAGE[name])
  end
  if type(value) == "string" and not len(value) then
    misuse("expect(run):traced: `%s` is not valid UTF-8, which all of a span is", name)
  end
end

--- What a value is that no attribute of a span has; nil for one that it may have.
local function unfit(value)
  if is_placeholder(value) then return nil end
  local kind = type(value)
  if kind == "string" then return not len(value) and "text that is not valid UTF-8" or nil end
  if kind == "number" then return value ~= value and "NaN" or nil end
  if kind ~= "boolean" then return errors.kind(value) end
end

--- Where in the value of an attribute something lies that none has, and what it is.
local function misfit(value, place)
  if type(value) ~= "table" or objects.state(value) then return place, unfit(value) end
  for _, index in ipairs(errors.ordered_keys(value)) do
    local item = value[index]
    if type(index) ~= "number" then return place, "a table with the key '" .. tostring(index) .. "'" end
    local wrong = unfit(item) or type(item) ~= "string" and not is_placeholder(item) and errors.kind(item)
    if wrong then return format("%s[%d]", place, index), wrong end
  end
end

--- Refuses what attributes of a span never are.
local function check_span_attributes(attributes, where)
  if is_placeholder(attributes) then return end
  for _, name in ipairs(errors.ordered_keys(attributes)) do
    if type(name) ~= "string" then
      misuse('expect(run):traced: `%s` takes names and values, got a value under %s: write { customer = "Ada" }',
        where, tostring(name))
    end
    local place, wrong = misfit(attributes[name], format("%s['%s']", where, name))
    if wrong then
      misuse("expect(run):traced: `%s` takes a text, a number, a boolean, a list of texts or a placeholder such "
        .. "as test.any(), got %s", place, wrong)
    end
  end
end

--- Refuses events that no span could have.
local function check_span_events(events)
  if is_placeholder(events) then return end
  for _, index in ipairs(errors.ordered_keys(events)) do
    local event, where = events[index], format("events[%s]", tostring(index))
    if type(index) ~= "number" or type(event) ~= "table" or objects.state(event) and not is_placeholder(event) then
      misuse('expect(run):traced: `events` takes a list of tables, got %s at %s: write events = { { name = "log" } }',
        errors.kind(event), tostring(index))
    end
    if not is_placeholder(event) then
      errors.known(event, { "name", "attributes" }, "expect(run):traced: " .. where)
      if event.name ~= nil and type(event.name) ~= "string" and not is_placeholder(event.name) then
        misuse('expect(run):traced: `%s.name` takes a string, got %s', where, errors.kind(event.name))
      end
      if event.attributes ~= nil then
        if type(event.attributes) ~= "table" then
          misuse("expect(run):traced: `%s.attributes` takes a table, got %s", where, errors.kind(event.attributes))
        end
        check_span_attributes(event.attributes, where .. ".attributes")
      end
    end
  end
end

--- What a span is looked for by, as a table; raises for what no span could meet.
return function(wanted)
  if type(wanted) == "string" then return { name = wanted } end
  errors.expect(wanted, "table", 'expect(run):traced { name = "w.step.price", attributes = { … } }')
  if objects.state(wanted) then
    misuse('expect(run):traced takes a name or a table, got %s: write expect(run):traced { name = "w.step.price" }',
      errors.kind(wanted))
  end
  if next(wanted) == nil then
    misuse('expect(run):traced: an empty table is a part of any span: write expect(run):traced "w.step.price"')
  end
  errors.known(wanted, errors.names(SPAN), "expect(run):traced")
  for _, name in ipairs(errors.names(wanted)) do check_span_field(name, wanted[name]) end
  if wanted.attributes then check_span_attributes(wanted.attributes, "attributes") end
  if wanted.events then check_span_events(wanted.events) end
  return wanted
end
