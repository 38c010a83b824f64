-- How two values differ: the paths, and what was there on either side.
local _, part = ...
local errors, objects, text = part "errors", part "objects", part "testing_text"
local ipairs, next, pairs, rawequal, rawlen = ipairs, next, pairs, rawequal, rawlen
local tostring, type = tostring, type
local find, gmatch = string.find, string.gmatch

local compare = {}

-- JSON may have a small part of it.
local MAX_DEPTH = 1000

-- Placeholders stand in an expected value for any value that passes their check.
compare.placeholder = objects.class("placeholder", {}, {})

local function is_table(value) return type(value) == "table" and objects.state(value) == nil end

local function lines_of(value)
  local list = {}
  for line in gmatch(value .. "\n", "(.-)\n") do list[#list + 1] = line end
  return list
end

local walk

local function differ(found, path, expected, actual)
  found[#found + 1] = { path = path, expected = text.of(expected), actual = text.of(actual) }
end

--- Texts of several lines differ line by line.
local function compare_lines(expected, actual, path, found)
  local wanted, got = lines_of(expected), lines_of(actual)
  for index = 1, math.max(#wanted, #got) do
    if wanted[index] ~= got[index] then
      differ(found, path .. " line " .. index, wanted[index], got[index])
    end
  end
end

--- Notes that two tables are compared; whether they were before, or still are: then there is nothing new to find.
local function is_known(expected, actual, found)
  local others = found.known[expected]
  if not others then
    others = {}
    found.known[expected] = others
  end
  if others[actual] then return true end
  others[actual] = true
end

local function compare_tables(expected, actual, path, found, partial, depth)
  if is_known(expected, actual, found) then return end
  if depth > MAX_DEPTH then
    errors.misuse("the values are nested deeper than %d tables: too deep to compare", MAX_DEPTH)
  end
  for _, key in ipairs(errors.ordered_keys(expected)) do
    walk(expected[key], actual[key], text.below(path, key), found, partial, depth + 1)
  end
  if partial then return end
  for _, key in ipairs(errors.ordered_keys(actual)) do
    if expected[key] == nil then differ(found, text.below(path, key), nil, actual[key]) end
  end
end

function walk(expected, actual, path, found, partial, depth)
  local state = objects.state(expected, compare.placeholder)
  if state then
    if not state.check(actual) then differ(found, path, expected, actual) end
  elseif rawequal(expected, actual) or expected == actual or expected ~= expected and actual ~= actual then
    return
  elseif is_table(expected) and is_table(actual) then
    compare_tables(expected, actual, path, found, partial, depth)
  elseif type(expected) == "string" and type(actual) == "string" and find(expected .. actual, "\n", 1, true) then
    compare_lines(expected, actual, path, found)
  else
    differ(found, path, expected, actual)
  end
end

--- The differences of values, which may hold themselves, as a list of `{ path, expected, actual }`; with `partial` keys
--- that are not expected do not count.
function compare.differences(expected, actual, partial)
  local found = { known = {} }
  walk(expected, actual, "", found, partial, 1)
  found.known = nil
  return found
end

--- Whether a table is a list: its keys are 1 to n, and there are some.
local function is_list(value) return is_table(value) and rawlen(value) > 0 end

local function has_item(list, wanted)
  for _, item in errors.each(list) do
    if #compare.differences(wanted, item, true) == 0 then return true end
  end
  return false
end

--- What of `wanted` is not in a text, a list or a table, as a list of differences.
function compare.missing(whole, wanted)
  if type(whole) == "string" and type(wanted) == "string" then
    return find(whole, wanted, 1, true) and {} or { { path = "", expected = text.of(wanted), actual = text.of(whole) } }
  elseif not is_table(whole) then
    return compare.differences(wanted, whole, true)
  elseif is_list(whole) and is_list(wanted) then
    local found = {}
    for _, item in errors.each(wanted) do
      if not has_item(whole, item) then differ(found, "", item, whole) end
    end
    return found
  elseif is_list(whole) or next(whole) == nil and not is_table(wanted) then
    return has_item(whole, wanted) and {} or { { path = "", expected = text.of(wanted), actual = text.of(whole) } }
  end
  return compare.differences(wanted, whole, true)
end

--- Whether an error (what was raised, or that of a run) is as wanted: a part of its message, or a table of its fields.
function compare.error_matches(raised, wanted)
  if wanted == nil then return true end
  if type(wanted) == "string" then return find(errors.text(raised), wanted, 1, true) ~= nil end
  local fields = type(raised) == "table" and raised or { message = tostring(raised), code = "error" }
  for key, value in pairs(wanted) do
    if key == "message" and type(value) == "string" then
      if not find(errors.text(raised), value, 1, true) then return false end
    elseif #compare.differences(value, fields[key], true) > 0 then
      return false
    end
  end
  return true
end

return compare
