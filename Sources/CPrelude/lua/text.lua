-- `aikit.text`: texts with values in them.
local bridge, part = ...
local errors, objects = part "errors", part "objects"
local number_text = part("number_text").data
local ipairs, next, select, tointeger, tostring, type = ipairs, next, select, math.tointeger, tostring, type
local concat, find, gmatch, match, sub = table.concat, string.find, string.gmatch, string.match, string.sub
local misuse = errors.misuse

local MAX_DEPTH = 32

local text = {}

--- Gives the line of a place in a text; each place lies behind the one before.
local function line_counter(source)
  local line, feed = 1, find(source, "\n", 1, true)
  return function(place)
    while feed and feed < place do
      line, feed = line + 1, find(source, "\n", feed + 1, true)
    end
    return line
  end
end

local function path_of(name)
  local path = {}
  for key in gmatch(name, "[^.]+") do path[#path + 1] = tointeger(key) or key end
  return path
end

--- Where the text before a tag ends and the one behind it begins; a tag that has a line to itself takes the line along.
local function alone(source, at, first, last)
  local before = at - 1 + (match(sub(source, at, first - 1), "^.*[^ \t]()") or 1)
  local is_start = before == 1 or before > at and sub(source, before - 1, before - 1) == "\n"
    or before == at and sub(source, at - 1, at - 1) == "\n"
  if not is_start then return first - 1, last + 1 end
  local behind = match(source, "^[ \t]*\r?\n()", last + 1) or match(source, "^[ \t]*()$", last + 1)
  if not behind then return first - 1, last + 1 end
  return before - 1, behind
end

--- The parts of a template: texts, `{ path, name, line }` for values, with `body` and `inverse` for sections.
local function parse(source)
  local root = {}
  local open = { { parts = root } }
  local line_of = line_counter(source)
  local at = 1
  while true do
    local parts = open[#open].parts
    local first = find(source, "{{", at, true)
    if not first then
      if at <= #source then parts[#parts + 1] = sub(source, at) end
      break
    end
    local line = line_of(first)
    local close, last = find(source, "}}", first + 2, true)
    if not close then misuse("aikit.text.template: line %d: '{{' is not closed", line) end
    local tag = sub(source, first + 2, close - 1)
    local sign, rest = match(tag, "^%s*([#^/!]?)%s*()")
    -- To the last character that is no space: a pattern that looks for the spaces tries each of them.
    local name = match(tag, "^.*%S", rest) or ""
    local text_end, behind = first - 1, last + 1
    if sign ~= "" then text_end, behind = alone(source, at, first, last) end
    if text_end >= at then parts[#parts + 1] = sub(source, at, text_end) end
    at = behind
    if sign ~= "!" then
      if not find(name, "^[%w_.-]+$") then
        misuse("aikit.text.template: line %d: '{{%s}}' names no value", line, tag)
      end
      local item = { name = name, path = path_of(name), line = line }
      if sign == "/" then
        local opened = open[#open]
        if opened.name ~= name then
          misuse("aikit.text.template: line %d: '{{/%s}}' closes %s", line, name,
            opened.name and "'{{#" .. opened.name .. "}}' of line " .. opened.line or "nothing")
        end
        open[#open] = nil
      else
        parts[#parts + 1] = item
        if sign ~= "" then
          if #open > MAX_DEPTH then misuse("aikit.text.template: line %d: sections are nested too deep", line) end
          item.body, item.inverse = {}, sign == "^"
          open[#open + 1] = { parts = item.body, name = name, line = line }
        end
      end
    end
  end
  local left = open[#open]
  if left.name then misuse("aikit.text.template: line %d: '{{#%s}}' is not closed", left.line, left.name) end
  return root
end

--- The value of a path, looked for in the innermost scope that has its first name; nil where there is none.
local function look_up(item, scopes)
  if item.name == "." then return scopes[#scopes] end
  for index = #scopes, 1, -1 do
    local value = scopes[index]
    for position, key in ipairs(item.path) do
      if type(value) ~= "table" then
        value = nil
      else
        local found = value[key]
        if found == nil and type(key) == "number" then found = value[tostring(key)] end
        value = found
      end
      if value == nil then
        if position > 1 then return nil end
        break
      end
    end
    if value ~= nil then return value end
  end
end

local function render(parts, scopes, out)
  for _, item in ipairs(parts) do
    if type(item) == "string" then
      out[#out + 1] = item
    else
      local value = look_up(item, scopes)
      if item.body then
        local is_list = type(value) == "table" and (value[1] ~= nil or next(value) == nil)
        if is_list then
          errors.count(value, ("aikit.text.template: line %d: '{{#%s}}'"):format(item.line, item.name))
        end
        local is_empty = value == nil or value == false or value == bridge.null or is_list and value[1] == nil
        if item.inverse then
          if is_empty then render(item.body, scopes, out) end
        elseif not is_empty then
          for _, scope in ipairs(is_list and value or { value }) do
            scopes[#scopes + 1] = scope
            render(item.body, scopes, out)
            scopes[#scopes] = nil
          end
        end
      elseif value == nil then
        misuse("aikit.text.template: line %d: there is no value for '{{%s}}'", item.line, item.name)
      elseif value ~= bridge.null then
        local kind = type(value)
        if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
          misuse("aikit.text.template: line %d: '{{%s}}' takes text, a number or a boolean, got %s", item.line,
            item.name, errors.kind(value))
        end
        out[#out + 1] = kind == "number" and number_text(value) or tostring(value)
      end
    end
  end
end

--- Fills values into a template: `{{name}}`, `{{order.total}}`, `{{#lines}}…{{/lines}}`, `{{^lines}}…{{/lines}}`.
--- Without values it gives a function that does so.
function text.template(source, ...)
  errors.expect(source, "string", 'aikit.text.template("Hello {{name}}", { name = "Ada" })')
  local parts = parse(source)
  local function fill(values)
    errors.expect(values, "table", 'aikit.text.template("Hello {{name}}", { name = "Ada" })')
    local out = {}
    render(parts, { values }, out)
    return concat(out)
  end
  if select("#", ...) == 0 then return fill end
  return fill((...))
end

return objects.namespace("aikit.text", text)
