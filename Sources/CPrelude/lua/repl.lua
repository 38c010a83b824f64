-- What `aikit-lua repl` runs: a workflow of one step that evaluates what was typed, in globals that last.
local aikit = require "aikit"
local error, getmetatable, ipairs, load, next, pairs = error, getmetatable, ipairs, load, next, pairs
local select, setmetatable, tostring, type = select, setmetatable, tostring, type
local concat, pack, sort, unpack = table.concat, table.pack, table.sort, table.unpack
local find, format, gmatch, match, rep = string.find, string.format, string.gmatch, string.match, string.rep

-- Assignments make globals of the session; what is not there is looked for in the sandbox, which tells misspelt names.
local globals = setmetatable({ aikit = aikit }, { __index = _G })
globals._G = globals

-- How a value is shown ----------------------------------------------------------------------------------------

local MAX_DEPTH, MAX_ITEMS, WIDTH = 8, 200, 88

local reserved = {}
local words = "and break do else elseif end false for function goto if in local nil not or repeat return then true"
for word in gmatch(words .. " until while", "%a+") do reserved[word] = true end

local function is_name(key) return type(key) == "string" and find(key, "^[%a_][%w_]*$") and not reserved[key] end

--- Numbers before strings before all else, each in its order.
local function ordered_keys(value)
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  sort(keys, function(a, b)
    local a_type, b_type = type(a), type(b)
    if a_type == b_type and (a_type == "number" or a_type == "string") then return a < b end
    if a_type ~= b_type then return a_type < b_type end
    return tostring(a) < tostring(b)
  end)
  return keys
end

local show

local function show_key(key, seen, depth)
  return is_name(key) and key or "[" .. show(key, seen, depth) .. "]"
end

local function show_table(value, seen, depth)
  if seen[value] then return "<cycle>" end
  if depth > MAX_DEPTH then return "{…}" end
  seen[value] = true
  local parts, count = {}, #value
  for index = 1, count do
    if index > MAX_ITEMS then break end
    parts[#parts + 1] = show(value[index], seen, depth + 1)
  end
  for _, key in ipairs(ordered_keys(value)) do
    local in_list = type(key) == "number" and key >= 1 and key <= count and key % 1 == 0
    if not in_list and #parts < MAX_ITEMS then
      parts[#parts + 1] = show_key(key, seen, depth + 1) .. " = " .. show(value[key], seen, depth + 1)
    end
  end
  if #parts >= MAX_ITEMS then parts[#parts + 1] = "…" end
  seen[value] = nil
  if #parts == 0 then return "{}" end
  local line = "{ " .. concat(parts, ", ") .. " }"
  if #line + 2 * depth <= WIDTH and not find(line, "\n", 1, true) then return line end
  local indent = rep("  ", depth + 1)
  return "{\n" .. indent .. concat(parts, ",\n" .. indent) .. ",\n" .. rep("  ", depth) .. "}"
end

function show(value, seen, depth)
  local kind = type(value)
  if kind == "string" then return (format("%q", value):gsub("\\\n", "\\n"):gsub("\\9", "\\t"):gsub("\r", "\\r")) end
  if value == aikit.null then return "aikit.null" end
  if kind ~= "table" then return tostring(value) end
  local meta = getmetatable(value)
  -- Objects of the library, and whatever knows by itself how it looks.
  if type(meta) == "string" and meta ~= "array" then return "<" .. tostring(value) .. ">" end
  if type(meta) == "table" and meta.__tostring then return tostring(value) end
  return show_table(value, seen, depth)
end

local function show_all(...)
  local texts = {}
  for index = 1, select("#", ...) do texts[index] = show((select(index, ...)), {}, 0) end
  return texts
end

-- Evaluating ----------------------------------------------------------------------------------------------------------

--- Calls a text: as an expression if it is one, else as statements. An expression is no tail call, which would leave an
-- error of it without a place. Gives nothing for a text that is neither, else its results as a table.
local function run(source, name)
  if load("return " .. source, name, "t", globals) then
    return load("local pack = ... return pack(" .. source .. "\n)", name, "t", globals)(pack)
  end
  local chunk = load(source, name, "t", globals)
  return chunk and pack(chunk())
end

local function keep(...)
  if select("#", ...) > 0 then globals._ = (...) end
  return { values = aikit.array(show_all(...)) }
end

local operations = {}

function operations.eval(input)
  local results = run(input.source, input.name)
  if results then return keep(unpack(results, 1, results.n)) end
  local _, message = load(input.source, input.name, "t", globals)
  if find(message, "near <eof>$") then return { incomplete = true } end
  error(message, 0)
end

--- Runs the script in globals of its own, as the program does, and keeps what it returns as `script`.
function operations.open(input)
  local chunk, message = load(input.source, input.name, "t")
  if not chunk then error(message, 0) end
  globals.script = chunk()
end

--- The names that can follow a text such as `aikit.ht`, with the length of the part that they replace.
function operations.complete(input)
  local path, separator, word = match(input.text, "([%a_][%w_%.]*)([.:])([%w_]*)$")
  local names, seen = {}, {}
  local function add(key, value)
    if type(key) ~= "string" or seen[key] or not is_name(key) or key:sub(1, #word) ~= word then return end
    if separator == ":" and type(value) ~= "function" then return end
    seen[key] = true
    names[#names + 1] = key .. (type(value) == "function" and "(" or "")
  end
  if path then
    local value = globals
    for name in gmatch(path, "[^.]+") do
      if type(value) ~= "table" then return { names = aikit.array {}, length = 0 } end
      local ok, found = pcall(function() return value[name] end)
      value = ok and found or nil
    end
    if type(value) == "string" then value = string end
    if type(value) == "table" then
      for key, member in pairs(value) do add(key, member) end
    end
  else
    word = match(input.text, "([%a_][%w_]*)$") or ""
    if word == "" then return { names = aikit.array {}, length = 0 } end
    for key, value in next, globals do add(key, value) end
    for key, value in next, _G do add(key, value) end
    for key in pairs(reserved) do add(key) end
  end
  sort(names)
  return { names = aikit.array(names), length = #word }
end

return aikit.workflow { id = "repl" }
  :step { id = "input", handler = function(input) return operations[input.operation](input) end }
  :commit()
