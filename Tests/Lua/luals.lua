-- A parser of the annotations that our stubs use, for tests: what it reads, the Lua language server reads.
local luals = {}

local type_at

local function fail(text, at, what)
  error(("expected %s at %d of: %s"):format(what, at, text), 0)
end

local function skip(text, at) return text:match("^%s*()", at) end

--- The place behind a literal text, or nil.
local function after(text, at, literal)
  at = skip(text, at)
  return text:sub(at, at + #literal - 1) == literal and at + #literal or nil
end

local function must(text, at, literal) return after(text, at, literal) or fail(text, at, "'" .. literal .. "'") end

--- Items with commas between them, up to the closing mark.
local function list(text, at, close, item)
  local done = after(text, at, close)
  if done then return done end
  repeat
    at = item(text, at)
    local comma = after(text, at, ",")
    at = comma or at
  until not comma
  return must(text, at, close)
end

local function field(text, at)
  local name = text:match("^%s*[%a_][%w_]*%??()", at) or text:match('^%s*%["[^"]*"%]%??()', at)
  return type_at(text, must(text, name or fail(text, at, "a field"), ":"))
end

local function parameter(text, at)
  local name = text:match("^%s*[%a_][%w_]*%??()", at) or text:match("^%s*%.%.%.()", at)
  if not name then fail(text, at, "a parameter") end
  local colon = after(text, name, ":")
  return colon and type_at(text, colon) or name
end

local function types(text, at)
  repeat
    at = type_at(text, at)
    local comma = after(text, at, ",")
    at = comma or at
  until not comma
  return at
end

local function primary(text, at)
  local open = text:match("^%s*fun%(()", at)
  if open then
    at = list(text, open, ")", parameter)
    local colon = after(text, at, ":")
    return colon and types(text, colon) or at
  end
  local name = text:match("^%s*[%a_][%w_.]*()", at)
  if name then return after(text, name, "<") and list(text, name + 1, ">", type_at) or name end
  local literal = text:match('^%s*"[^"]*"()', at) or text:match("^%s*%-?%d+%.?%d*()", at)
  if literal then return literal end
  if after(text, at, "(") then return must(text, type_at(text, after(text, at, "(")), ")") end
  if after(text, at, "{") then return list(text, after(text, at, "{"), "}", field) end
  if after(text, at, "[") then return list(text, after(text, at, "["), "]", type_at) end
  return fail(text, at, "a type")
end

function type_at(text, at)
  at = primary(text, at)
  while true do
    local suffix = text:match("^%?()", at) or text:match("^%[%]()", at)
    if suffix then
      at = suffix
    elseif text:find("^|", at) then
      at = primary(text, at + 1)
    else
      return at
    end
  end
end

local function at_end(text, at)
  if not text:find("^%s", at) and at <= #text then fail(text, at, "the end of the type") end
end

local readers = {
  class = function(rest)
    local name, parent = rest:match "^([%a_][%w_.]*)(.*)$"
    return name ~= nil and (parent == "" or parent:find "^: [%a_][%w_.]*$" ~= nil)
  end,
  alias = function(rest)
    local at = rest:match "^[%a_][%w_.]* ()"
    return at and at > 1 and type_at(rest, at) == #rest + 1
  end,
  field = function(rest)
    local at = rest:match "^[%a_][%w_]*%?? ()" or rest:match '^%["[^"]*"%]%?? ()'
    if at then at_end(rest, type_at(rest, at)) end
    return at ~= nil
  end,
  param = function(rest)
    local at = rest:match "^[%a_][%w_]*%?? ()"
    if at then at_end(rest, type_at(rest, at)) end
    return at ~= nil
  end,
  ["return"] = function(rest)
    at_end(rest, types(rest, 1))
    return true
  end,
  meta = function() return true end,
}

--- Reads every annotation of a file; raises at the first that is wrong, else returns how many there are.
function luals.check(source)
  local count = 0
  for line in source:gmatch "[^\n]+" do
    local name, rest = line:match "^%-%-%-@(%a+)%s*(.*)$"
    if name then
      local read = readers[name] or error("unknown annotation: " .. line, 0)
      if not read(rest) then error("not understood: " .. line, 0) end
      count = count + 1
    end
  end
  return count
end

return luals
