-- Errors of misuse: what was wrong, at which line of the script, and what to write instead.
local bridge = ...
local error, getmetatable, ipairs, pairs = error, getmetatable, ipairs, pairs
local math_type, tostring, type = math.type, tostring, type
local find, format, gsub, lower = string.find, string.format, string.gsub, string.lower
local concat, sort = table.concat, table.sort

local errors = {}

local place

--- Says which line of the script misuse is blamed on from now on; nil: the one that runs. Returns what was said before.
--
-- A chain usually ends in `return … :commit()`, a tail call that leaves no frame of the script to blame.
function errors.blame(where)
  local before = place
  place = where
  return before
end

--- Raises the message, formatted, at the line of the script that called the library.
function errors.misuse(message, ...)
  local where = place or bridge.where(1)
  place = nil
  message = format(message, ...)
  error(where and where .. ": " .. message or message, 0)
end

--- Raises the message, formatted, when no line of the script is to blame more than the others.
function errors.fail(message, ...)
  error(format(message, ...), 0)
end

local misuse = errors.misuse

--- The noun with its article.
function errors.a(noun)
  return ((find(noun, "^[aeio]") or find(noun, "^un[^i]")) and "an " or "a ") .. noun
end

--- What a value is called in a message: `nil`, `a number`, `a function`.
function errors.kind(value)
  if value == nil then return "nil" end
  if value == bridge.null then return "aikit.null" end
  local name = getmetatable(value)
  local kind = type(value)
  -- Contexts and what is read-only are userdata to Lua alone.
  return errors.a((kind == "table" or kind == "userdata") and type(name) == "string" and name or kind)
end

--- A value of which a message says that it is wrong: a number and a text by themselves, anything else by its kind.
function errors.shown(value)
  if type(value) == "string" then return value == "" and "an empty text" or "'" .. value .. "'" end
  return type(value) == "number" and tostring(value) or errors.kind(value)
end

--- The message of anything that was raised.
function errors.text(raised)
  return tostring(type(raised) == "table" and raised.message or raised)
end

--- The string keys of a table in order.
function errors.names(set)
  local names = {}
  for name in pairs(set) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  sort(names)
  return names
end

--- The keys of a table in an order that every load of a script repeats: numbers, then strings, then the rest.
function errors.ordered_keys(given)
  local keys = {}
  for key in pairs(given) do keys[#keys + 1] = key end
  sort(keys, function(a, b)
    local left, right = type(a), type(b)
    if left ~= right then return left < right end
    if left == "number" or left == "string" then return a < b end
    return tostring(a) < tostring(b)
  end)
  return keys
end

--- The entries of a table in the order of `ordered_keys`, so that what is wrong with several of them is said of the
--- same one each time.
function errors.each(given)
  local values, index = {}, 0
  for key, value in pairs(given) do values[key] = value end
  local keys = errors.ordered_keys(values)
  return function()
    index = index + 1
    local key = keys[index]
    if key ~= nil then return key, values[key] end
  end
end

--- `; did you mean 'x'?` when one of the names is near, else the empty string.
function errors.hint(word, names, prefix)
  local near
  if type(word) == "string" then
    -- toEqual is to_equal, not what is nearest by its letters.
    local snake = lower((gsub(word, "(%l)(%u)", "%1_%2")))
    for _, name in ipairs(names) do
      if name == snake and name ~= word then near = name end
    end
    near = near or bridge.suggest(word, names)
  end
  return near and format("; did you mean '%s%s'?", prefix or "", near) or ""
end

--- Refuses the library itself as the first argument, which aikit:name(…) gives in place of aikit.name(…).
function errors.no_colon(first, name)
  if getmetatable(first) == "aikit" then misuse("call it with a dot: aikit.%s { … }", name) end
end

--- Has each function of a table of methods refuse any `self` but those that `is_own` accepts, as a call with a dot
--- gives; `noun` is what the object is called in the message.
function errors.with_colon(methods, is_own, noun)
  for name, method in pairs(methods) do
    if type(method) == "function" then
      methods[name] = function(self, ...)
        if not is_own(self) then misuse("call it with a colon: %s:%s(…)", noun, name) end
        return method(self, ...)
      end
    end
  end
  return methods
end

--- Checks that an argument has the type; `usage` shows the call as it should be.
function errors.expect(value, wanted, usage)
  if type(value) ~= wanted then
    misuse("expected %s, got %s: write %s", errors.a(wanted), errors.kind(value), usage)
  end
  return value
end

--- Checks that a table is a list, whose keys are 1 to n and nothing else, so that no loop passes over an item behind a
--- nil or under a name; `what` begins the message. Returns how many items there are.
function errors.count(list, what)
  local count = 0
  for key in pairs(list) do
    if math_type(key) ~= "integer" or key < 1 then
      misuse("%s is a list, it cannot have the key %s", what, errors.shown(key))
    end
    count = count + 1
  end
  for index = 1, count do
    if list[index] == nil then misuse("%s is a list and has nil at %d, before its end", what, index) end
  end
  return count
end

--- Checks that a table of options has only known keys.
function errors.known(options, names, what)
  if type(options) ~= "table" then misuse("%s takes a table of options, got %s", what, errors.kind(options)) end
  for key in errors.each(options) do
    local found = false
    for _, name in ipairs(names) do found = found or name == key end
    if not found then
      local hint = errors.hint(key, names)
      if hint == "" then hint = "; known are " .. concat(names, ", ") end
      misuse("%s has no option '%s'%s", what, tostring(key), hint)
    end
  end
  return options
end

return errors
