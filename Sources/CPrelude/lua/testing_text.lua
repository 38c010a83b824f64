-- Values as the messages of tests show them, in the form in which a script would write them.
local bridge, part = ...
local errors, objects, number_text = part "errors", part "objects", part("number_text").code
local getmetatable, ipairs, rawlen = getmetatable, ipairs, rawlen
local tostring, type = tostring, type
local concat, find, format, gsub, sub = table.concat, string.find, string.format, string.gsub, string.sub

local text = {}

-- What fits on a line of a terminal beside the words around it.
local WIDTH = 160
local MAX_DEPTH = 8

local ESCAPES = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ['"'] = '\\"', ["\\"] = "\\\\" }

local function quoted(value)
  return '"' .. gsub(value, '[%c"\\]', function(c) return ESCAPES[c] or format("\\%03d", c:byte()) end) .. '"'
end

local function key_text(key)
  if type(key) == "string" then return find(key, "^[%a_][%w_]*$") and key or "[" .. quoted(key) .. "]" end
  return "[" .. (type(key) == "number" and number_text(key) or tostring(key)) .. "]"
end

local function write(value, depth)
  if value == bridge.null then return "aikit.null" end
  local kind = type(value)
  if kind == "string" then return quoted(value) end
  if kind ~= "table" then return kind == "number" and number_text(value) or kind == "boolean" and tostring(value)
    or value == nil and "nil" or errors.kind(value) end
  local state = objects.state(value)
  if state then return state.text or tostring(value) end
  if depth > MAX_DEPTH then return "{ … }" end
  local parts, length = {}, rawlen(value)
  for _, key in ipairs(errors.ordered_keys(value)) do
    local item = write(value[key], depth + 1)
    local in_order = type(key) == "number" and key >= 1 and key <= length and key % 1 == 0
    parts[#parts + 1] = in_order and item or key_text(key) .. " = " .. item
  end
  if #parts == 0 then return getmetatable(value) == "array" and "aikit.array{}" or "{}" end
  return "{ " .. concat(parts, ", ") .. " }"
end

--- The value on one line, shortened where it is long.
function text.of(value, width)
  local written = write(value, 1)
  width = width or WIDTH
  -- A character that is cut in two would be no text any more.
  return #written > width and gsub(sub(written, 1, width), "[\x80-\xff]+$", "") .. " …" or written
end

--- The path of a key below another: `.name`, `[2]`, `["a b"]`.
function text.below(path, key)
  if type(key) == "string" and find(key, "^[%a_][%w_]*$") then return path .. "." .. key end
  return path .. (type(key) == "string" and "[" .. quoted(key) .. "]" or key_text(key))
end

return text
