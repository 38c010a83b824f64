-- Calls the functions of the libraries with random arguments, the sandbox's and Lua's own; how many calls differ.
-- Arguments: the globals of the sandbox, { string = …, table = …, math = …, utf8 = … } of Lua, random(n) -> 1…n.
local ours, theirs, random = ...
local failures = 0

local function any(list) return list[random(#list)] end

local integers = { 0, 1, -1, 2, 3, -3, 7, 10, 31, 32, 33, 64, 127, 255, 256, -129, 1 << 31, -(1 << 31), 1 << 53 }
local extremes = {
  math.maxinteger, math.mininteger, 0.5, -0.5, 1e15, 1e300, -0.0, 1 / 0, -1 / 0, 3.0, 2 ^ 53, "10", "0x1p4", " 5 ",
  ("0"):rep(300) .. "65",
}
local texts = {
  "", "a", "abc", "hello world", "a,b,,c", "\0", "a\0b",
  "caf\u{e9}", "\u{20ac}\u{1f600}", "\xff\xfe", "10", "-0x1F", "1e2",
  "%d", "%5.2f", "%s|%q", "%-10s|", "%x %X %o", "%c%c", "%i", "%g %e %a",
  "%%", "%", "%10", "%y", "%.3q", "%.14g",
  "<i4", ">I2 i8 z", "s1", "!4 b i", "xXi4", "j n", "f d", "s", "=B", "i17", "c5", ".", "%a+", "(%w)(%w)", "[^,]*",
  "^a", "x*",
  -- Longer than what our own functions look at twice.
  ("0"):rep(300) .. "65", "0x" .. ("f"):rep(300), (" "):rep(300) .. "7", ("7"):rep(300) .. "x", "%.5s",
  "%.20s|%q", "%d", "s4", "z", "c300", "c400", "!8Xi4s2", "z i4", "XbBs1",
}

local function small() return random(9) - 3 end
local function list()
  local made = {}
  for i = 1, random(7) - 1 do made[i] = random(2) == 1 and random(50) or any(texts) end
  return made
end

local makers = {
  function() return any(integers) end, function() return any(extremes) end, function() return any(texts) end,
  small, small,
  function() return random(2) == 1 end, function() return nil end, list,
}
local function value() return any(makers)() end
local function text() return random(8) == 1 and value() or any(texts) end
local function number() return random(8) == 1 and value() or random(3) == 1 and any(extremes) or any(integers) end
-- What is iterated over must stay small: Lua's own loops cannot be stopped.
local function count() return random(10) == 1 and any { "2", 2.0, 1.5, "x" } or small() end

local function copied(argument)
  if type(argument) ~= "table" then return argument end
  local copy = {}
  for key, item in pairs(argument) do copy[key] = item end
  return copy
end

local function shown(item)
  if type(item) == "string" then return ("%q"):format(item) end
  if type(item) ~= "table" then return math.type(item) == "float" and ("%a"):format(item) or tostring(item) end
  local parts = {}
  for i = 1, 20 do parts[i] = type(item[i]) == "table" and "table" or tostring(item[i]) end
  return "{" .. table.concat(parts, ",") .. ",n=" .. tostring(item.n) .. "}"
end

--- Results and the tables that were given, which a call may change, as one text.
local function outcome(f, arguments)
  local given = {}
  for i = 1, arguments.n do given[i] = copied(arguments[i]) end
  local results = table.pack(pcall(f, table.unpack(given, 1, arguments.n)))
  if not results[1] then return "error" end
  for i = 1, results.n do
    local result = results[i]
    for k = 1, arguments.n do
      if type(result) == "table" and rawequal(result, given[k]) then result = "argument " .. k end
    end
    results[i] = type(result) == "function" and "function" or shown(result)
  end
  for i = 1, arguments.n do
    if type(given[i]) == "table" then results[#results + 1] = shown(given[i]) end
  end
  return table.concat(results, " ")
end

local function compare(library, name, ...)
  local arguments = table.pack(...)
  local a, b = outcome(ours[library][name], arguments), outcome(theirs[library][name], arguments)
  if a == b then return end
  failures = failures + 1
  local parts = {}
  for i = 1, arguments.n do parts[i] = shown(arguments[i]) end
  print(("%s.%s(%s)\n  ours:   %s\n  theirs: %s"):format(library, name, table.concat(parts, ", "), a, b))
end

local calls = {
  string = {
    byte = { text, count, count }, char = { number, number }, find = { text, text, count, value },
    match = { text, text, count },
    format = { text, number, text, value }, gsub = { text, text, text, count }, len = { text }, lower = { text },
    pack = { text, number, number }, packsize = { text }, rep = { text, count, text }, reverse = { text },
    sub = { text, number, number }, unpack = { text, text, count }, upper = { text },
  },
  table = {
    concat = { list, text, count, count }, insert = { list, count, value }, move = { list, count, count, count, list },
    pack = { value, value }, remove = { list, count }, unpack = { list, count, count }, sort = { list },
  },
  utf8 = {
    char = { number, number }, codepoint = { text, count, count }, len = { text, count, count },
    offset = { text, count, count },
  },
  math = {},
}
for _, name in ipairs {
  "abs", "ceil", "floor", "max", "min", "fmod", "modf", "sqrt", "sin", "exp", "log", "tointeger", "type", "ult",
} do calls.math[name] = { number, number } end

local known = {}
for library, functions in pairs(calls) do
  for name in pairs(functions) do known[#known + 1] = library .. "." .. name end
end
table.sort(known)

--- Whether a format shows the text of an object, in which the sandbox differs by design.
local function shows_objects(name, arguments)
  if name ~= "format" then return false end
  for i = 2, arguments.n do if type(arguments[i]) == "table" then return true end end
  return false
end

for _ = 1, 3000 do
  local library, name = any(known):match "(%w+)%.(%w+)"
  local arguments = { n = 0 }
  for i, make in ipairs(calls[library][name]) do
    if i > 1 and random(6) == 1 then break end
    arguments[i], arguments.n = make(), i
  end
  if not shows_objects(name, arguments) then compare(library, name, table.unpack(arguments, 1, arguments.n)) end
end

-- What is long is made ready for Lua's own function first.
for _, format in ipairs { "%.5s", "%.99s|%q", "%q%q", "%-9.3s|%s", "%.3q" } do
  for _, long in ipairs { ("x"):rep(5000), ("x"):rep(5000) .. "\0a", ('"\\\n\r\0001\127'):rep(1000) } do
    compare("string", "format", format, long, long)
  end
end

-- Arithmetic on text goes through the metatable of strings.
for _ = 1, 200 do
  local a, b, operator = any(texts), number(), any { "+", "-", "*", "/", "//", "%", "^", "..", "<" }
  local f = load("local a, b = ... return a " .. operator .. " b")
  local plain, calculated = tonumber(a), table.pack(pcall(f, a, b))
  if plain and type(b) == "number" and operator ~= ".." and operator ~= "<" then
    local expected = table.pack(pcall(f, plain, b))
    if shown(calculated[2]) ~= shown(expected[2]) and expected[1] then
      failures = failures + 1
      local got, wanted = shown(calculated[2]), shown(expected[2])
      print(("%q %s %s: %s, and with numbers %s"):format(a, operator, tostring(b), got, wanted))
    end
  end
end

return failures
