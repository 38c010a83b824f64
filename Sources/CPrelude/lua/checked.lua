-- Tables of options that are checked at once, where they stand: names, types, and what was meant instead.
local _, part = ...
local errors = part "errors"
local concat, floor, ipairs, match, pairs = table.concat, math.floor, ipairs, string.match, pairs
local tonumber, type = tonumber, type
local misuse, shown = errors.misuse, errors.shown

local UNITS = { [""] = true, ms = true, s = true, m = true, h = true, d = true }

local checked = {}

--- What a value has to be, by the word that stands in a table of fields: whether it is, and how it is called.
local kinds = {
  text = { "text", function(value) return type(value) == "string" and value ~= "" end },
  number = { "a number from 0 on", function(value) return type(value) == "number" and value >= 0 end },
  count = { "a whole number from 1 on", function(value)
    return type(value) == "number" and value >= 1 and value < math.huge and floor(value) == value
  end },
  whole = { "a whole number from 0 on", function(value)
    return type(value) == "number" and value >= 0 and value < math.huge and floor(value) == value
  end },
  boolean = { "true or false", function(value) return type(value) == "boolean" end },
  table = { "a table", function(value) return type(value) == "table" end },
  ["function"] = { "a function", function(value) return type(value) == "function" end },
  any = { "a value", function() return true end },
  duration = { 'seconds or a text like "30s"', function(value)
    if type(value) == "number" then return value > 0 and value < math.huge end
    if type(value) ~= "string" then return false end
    local number, unit = match(value, "^ *([%d.]+) *(%a*) *$")
    return tonumber(number) ~= nil and UNITS[unit] ~= nil
  end },
}

--- Checks a table against `fields`, which map each key to a kind, a list of words, or a table of fields; returns it.
function checked.options(options, fields, what)
  errors.known(options, errors.names(fields), what)
  for _, key in ipairs(errors.names(options)) do
    local value, field = options[key], fields[key]
    if type(field) == "string" then
      local kind = kinds[field]
      if not kind[2](value) then misuse("%s: `%s` takes %s, got %s", what, key, kind[1], shown(value)) end
    elseif field[1] then
      local known = false
      for _, word in ipairs(field) do known = known or word == value end
      if not known then
        misuse('%s: `%s` takes "%s", got %s%s', what, key, concat(field, '" or "'), shown(value),
          errors.hint(value, field))
      end
    else
      if type(value) ~= "table" then misuse("%s: `%s` takes a table, got %s", what, key, shown(value)) end
      checked.options(value, field, what .. ": " .. key)
    end
  end
  return options
end

--- The seconds of a duration that has been checked.
function checked.seconds(duration)
  if type(duration) == "number" then return duration end
  local number, unit = match(duration, "^ *([%d.]+) *(%a*) *$")
  local factors = { ms = 0.001, s = 1, m = 60, h = 3600, d = 86400 }
  return tonumber(number) * (factors[unit] or 1)
end

--- A copy of a table, of its first level.
function checked.copy(given)
  local copy = {}
  for key, value in pairs(given) do copy[key] = value end
  return copy
end

return checked
