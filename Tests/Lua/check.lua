-- The little that these tests need of a test framework.
local check = { passed = 0, failed = 0 }

local function show(value, indent)
  if type(value) ~= "table" then return type(value) == "string" and ("%q"):format(value) or tostring(value) end
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  local lines = {}
  for _, key in ipairs(keys) do
    lines[#lines + 1] = indent .. "  " .. tostring(key) .. " = " .. show(value[key], indent .. "  ")
  end
  return "{\n" .. table.concat(lines, "\n") .. "\n" .. indent .. "}"
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b and math.type(a) == math.type(b) end
  for key, value in pairs(a) do
    if not same(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

--- Runs one test; its name is a sentence.
function check.test(name, body)
  local ok, message = xpcall(body, function(raised)
    return type(raised) == "table" and show(raised, "") or debug.traceback(tostring(raised), 2)
  end)
  if ok then
    check.passed = check.passed + 1
  else
    check.failed = check.failed + 1
    print("not ok: " .. name .. "\n" .. message)
  end
end

function check.equal(actual, expected)
  if not same(actual, expected) then
    error("expected " .. show(expected, "") .. "\ngot " .. show(actual, ""), 2)
  end
end

--- The call must raise a message that has every one of the texts.
function check.raises(body, ...)
  local ok, raised = pcall(body)
  if ok then error("nothing was raised", 2) end
  local message = type(raised) == "table" and raised.message or tostring(raised)
  for _, text in ipairs { ... } do
    if not message:find(text, 1, true) then error(("%q is not in: %s"):format(text, message), 2) end
  end
  return raised
end

return check
