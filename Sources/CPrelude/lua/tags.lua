-- What a run is found by: names, each with a text, a number or a boolean.
local bridge, part = ...
local errors = part "errors"
local find, format = string.find, string.format
local next, pairs, tostring, type = next, pairs, tostring, type
local misuse = errors.misuse

local tags = {}

local HUGE = math.huge
local MOST, LONGEST_NAME, LONGEST_TEXT = 32, 64, 256
local EXAMPLE = 'write context:set_tags { region = "eu", paid = true }'

local function check_name(name)
  if type(name) ~= "string" then
    misuse("context:set_tags: a tag has a name, got %s: %s", errors.kind(name), EXAMPLE)
  elseif #name < 1 or #name > LONGEST_NAME then
    misuse("context:set_tags: the name of a tag has 1 to %d bytes, got %d", LONGEST_NAME, #name)
  elseif find(name, '[%c%s=:"]') then
    misuse("context:set_tags: the name of a tag has no blanks, control characters, '=', ':' and '\"', got %s",
      format("%q", name))
  end
end

local function check_value(name, value)
  local kind = type(value)
  if kind == "string" then
    if #value > LONGEST_TEXT then
      misuse("context:set_tags: the tag '%s' has a text of %d bytes, and the limit is %d", name, #value, LONGEST_TEXT)
    elseif find(value, "%c") then
      misuse("context:set_tags: the tag '%s' has a text with a control character", name)
    end
  elseif kind == "number" then
    if value ~= value or value == HUGE or value == -HUGE then
      misuse("context:set_tags: the tag '%s' takes a finite number, got %s", name, tostring(value))
    end
  elseif kind ~= "boolean" then
    misuse("context:set_tags: the tag '%s' takes a text, a number or a boolean, got %s", name, errors.kind(value))
  end
end

--- The tags of a run with changes over them, name by name; `aikit.null` takes one away.
function tags.changed(current, changes)
  if type(changes) ~= "table" then
    misuse("context:set_tags takes a table of names with their values, got %s: %s", errors.kind(changes), EXAMPLE)
  end
  local given = 0
  for name, value in pairs(changes) do
    check_name(name)
    if value == bridge.null then
      current[name] = nil
    else
      check_value(name, value)
      current[name] = value
    end
    given = given + 1
    if given > 2 * MOST then misuse("context:set_tags takes at most %d changes at once", 2 * MOST) end
  end
  local count = 0
  for _ in next, current do count = count + 1 end
  if count > MOST then misuse("context:set_tags: a run has at most %d tags, got %d", MOST, count) end
  return current
end

return tags
