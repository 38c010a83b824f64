-- What callbacks are made of, so that the host can tell which steps a change of the script changed.
--
-- That is the lines of each function, and of every function of the script that it reaches through what it holds, with
-- the plain values on the way. Globals are not followed: what a function calls by a global name counts as unchanged.
local bridge, part = ...
local errors, objects = part "errors", part "objects"
local byte, format, gsub, len = string.byte, string.format, string.gsub, utf8.len
local getmetatable, ipairs, tostring, type = getmetatable, ipairs, tostring, type

-- Bounds for scripts that hold large tables; what lies behind them is not looked at.
local MAX_DEPTH, MAX_PARTS = 8, 500

local visit

--- A text that the host takes: bytes that are no UTF-8 are named.
local function text_of(value)
  if len(value) then return value end
  return "bytes " .. gsub(value, "[\128-\255]", function(char) return format("\\x%02x", byte(char)) end)
end

local function visit_function(callback, found, depth)
  local file, first, last = bridge.function_lines(callback)
  if not file then return end
  found[#found + 1] = { file = file, first = first, last = last }
  local index = 1
  local name, value = bridge.upvalue(callback, index)
  while name do
    if name ~= "_ENV" then visit(value, found, depth + 1) end
    index = index + 1
    name, value = bridge.upvalue(callback, index)
  end
end

local function visit_table(value, found, depth)
  -- Steps, schemas and the library stand for themselves.
  if objects.state(value) or (getmetatable(value) or "array") ~= "array" then return end
  for _, key in ipairs(errors.ordered_keys(value)) do
    if type(key) == "string" then found[#found + 1] = text_of(key) end
    visit(value[key], found, depth + 1)
  end
end

function visit(value, found, depth)
  local kind = type(value)
  if depth > MAX_DEPTH or #found > MAX_PARTS or found.seen[value] then return end
  if kind == "string" or kind == "number" or kind == "boolean" then
    found[#found + 1] = kind == "string" and "string " .. text_of(value) or format("%s %s", kind, tostring(value))
  elseif kind == "function" or kind == "table" then
    found.seen[value] = true
    if kind == "function" then visit_function(value, found, depth) else visit_table(value, found, depth) end
  end
end

--- A number under which the host keeps what the functions in a node's table are made of; nil for none.
--
-- `source` is what stands behind functions of the library's own, in a node that the library made.
return function(config, kinds, source)
  local found = { seen = {} }
  for _, key in ipairs(errors.names(config)) do
    local is_callback = kinds[key] == "callback" or kinds[key] == "form" or type(config[key]) == "function"
    if is_callback then visit(config[key], found, 0) end
  end
  visit(source, found, 0)
  found.seen = nil
  return found[1] and bridge.sync("code", found) or nil
end
