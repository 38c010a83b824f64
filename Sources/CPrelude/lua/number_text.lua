-- Numbers as text, from which the very same number can be read again.
local format, math_type, tointeger, tonumber, tostring =
  string.format, math.type, math.tointeger, tonumber, tostring

local number_text = {}

local function shortest(value)
  for digits = 15, 16 do
    local text = format("%." .. digits .. "g", value)
    if tonumber(text) == value then return text end
  end
  return format("%.17g", value)
end

--- The number as data: a float without a fraction looks like the integer that it equals, as in `aikit.schema.coerce`.
function number_text.data(value)
  if math_type(value) == "integer" then return tostring(value) end
  local whole = tointeger(value)
  if whole then return tostring(whole) end
  return value ~= value and "nan" or shortest(value)
end

--- The number as a script would write it: a float is told from an integer.
function number_text.code(value)
  if value ~= value then return "nan" end
  local text = tostring(value)
  return tonumber(text) == value and text or value - value ~= 0 and text or shortest(value)
end

return number_text
