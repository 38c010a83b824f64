-- Compares the bridge's string and table functions with Lua's own, on chosen and on random cases.
-- Arguments: ours and theirs, each { string = …, table = … }, and a function random(n) -> 1…n.
local ours, theirs, random = ...
local failures, compared = 0, 0

--- One text for everything that a call gives: its results, or that it failed.
local function outcome(f, ...)
  local r = table.pack(pcall(f, ...))
  if not r[1] then return "error" end
  for i = 1, r.n do r[i] = type(r[i]) == "string" and string.format("%q", r[i]) or tostring(r[i]) end
  return table.concat(r, " ", 1, r.n)
end

local function compare(name, f, g, ...)
  compared = compared + 1
  local a, b = outcome(f, ...), outcome(g, ...)
  if a ~= b then
    failures = failures + 1
    local arguments = {}
    for i = 1, select("#", ...) do arguments[i] = string.format("%q", tostring((select(i, ...)))) end
    print(string.format("%s(%s)\n  ours:   %s\n  theirs: %s", name, table.concat(arguments, ", "), a, b))
  end
end

local function all_matches(gmatch)
  return function(s, p, init)
    local found = {}
    for a, b, c in gmatch(s, p, init) do found[#found + 1] = tostring(a) .. "," .. tostring(b) .. "," .. tostring(c) end
    return table.concat(found, ";")
  end
end

local function check(s, p)
  local init = random(12) - 6
  compare("find", ours.string.find, theirs.string.find, s, p)
  compare("find", ours.string.find, theirs.string.find, s, p, init)
  compare("find", ours.string.find, theirs.string.find, s, p, init, true)
  compare("match", ours.string.match, theirs.string.match, s, p, init)
  compare("gmatch", all_matches(ours.string.gmatch), all_matches(theirs.string.gmatch), s, p, init)
  compare("gsub", ours.string.gsub, theirs.string.gsub, s, p, "<%0>")
  compare("gsub", ours.string.gsub, theirs.string.gsub, s, p, "%1%%", random(4))
  local function replace(a, b) return a ~= "a" and tostring(a) .. tostring(b) end
  compare("gsub", ours.string.gsub, theirs.string.gsub, s, p, replace)
  compare("gsub", ours.string.gsub, theirs.string.gsub, s, p, { a = "x", b = 1, ab = true })
end

for _, case in ipairs {
  { "hello world", "o w" }, { "hello", "l+" }, { "hello", "^h" }, { "hello", "h$" }, { "hello", "o$" },
  { "a.b", "%." }, { "key = value", "(%w+)%s*=%s*(%w+)" }, { "THE (quick) fox", "%((%a+)%)" },
  { "f(a(b)c)d", "%b()" }, { "abc", "()" }, { "abcabc", "(a)(b)(c)%1%2%3" }, { "THE fox", "%f[%a]%a+" },
  { "x]y", "[]]" }, { "x]y", "[^]]+" }, { "a-z", "[a%-z]+" }, { "a-z", "[a-]" }, { "a^b", "[b^]" },
  { "\0a\0", "%z" }, { "\0a\0", "[%z]" }, { "\0a\0", "\0" }, { "abc", "" }, { "", "" }, { "", "^$" },
  { "aaa", "a-" }, { "aaa", "a-$" }, { "aaab", "a?b" }, { "abc", "%" }, { "abc", "[a" }, { "abc", "[a%" },
  { "abc", "(a" }, { "abc", "a)" }, { "abc", "%1" }, { "abc", "(a)%2" }, { "abc", "%b" }, { "abc", "%f" },
  { "abc", "%fa" }, { "a,b,,c", "([^,]*)" }, { "  trim  ", "^%s*(.-)%s*$" }, { "x=1,y=2", "(%w)=(%w)" },
  { "ab", "(()a)" }, { "äöü", "[\xc3][\x80-\xbf]" }, { "abc", "(" .. ("()"):rep(33) }, { "a$b", "a$b" },
  { "a^b", "a^b" }, { "]", "[%]]" }, { "abab", "(ab)%1" }, { "-", "[+-]" }, { "m", "[a-%w]" },
} do check(case[1], case[2]) end

local pieces = {
  "a", "b", "ab", ".", "%a", "%d", "%s", "%W", "[ab]", "[^a]", "[a-c]", "(", ")", "()", "*", "+", "-", "?", "$", "^",
  "%1", "%2", "%b()", "%f[a]", "%%", "[%a-]", "[]", "%", "[", "]", "1", " ", "\0", "%0",
}
local letters = { "a", "b", "ab", "1", " ", "(", ")", "c", "-", "", "\0", "%" }
for _ = 1, 20000 do
  local p, s = {}, {}
  for i = 1, random(6) do p[i] = pieces[random(#pieces)] end
  for i = 1, random(12) do s[i] = letters[random(#letters)] end
  check(table.concat(s), table.concat(p))
end

for _ = 1, 2000 do
  local separator = random(2) == 1 and "," or nil
  compare("rep", ours.string.rep, theirs.string.rep, letters[random(#letters)], random(8) - 3, separator)
  local n, position = random(8) - 1, random(10) - 2
  local function with_list(f)
    return function(...)
      local t = {}
      for i = 1, n do t[i] = i * 10 end
      local r = table.pack(f(t, ...))
      local seen = {}
      for i = -2, 30 do if t[i] ~= nil then seen[#seen + 1] = i .. "=" .. tostring(t[i]) end end
      return r.n, type(r[1]) == "table" and "table" or r[1], table.concat(seen, " ")
    end
  end
  for _, name in ipairs { "insert", "remove", "concat", "move" } do
    local f, g = with_list(ours.table[name]), with_list(theirs.table[name])
    compare(name, f, g)
    if name == "concat" then compare(name, f, g, "-", position, random(10) - 2)
    elseif name == "move" then compare(name, f, g, position, random(10) - 2, random(10))
    elseif name == "insert" then compare(name, f, g, position, "x") compare(name, f, g, "y")
    else compare(name, f, g, position) end
  end
end

for _ = 1, 500 do
  local a, b = {}, {}
  for i = 1, random(60) do a[i] = random(50) b[i] = a[i] end
  local less = random(2) == 1 and function(x, y) return x > y end or nil
  ours.table.sort(a, less)
  theirs.table.sort(b, less)
  compare("sort", table.concat, table.concat, a, " ")
  compare("sort", function() return table.concat(a, " ") end, function() return table.concat(b, " ") end)
end

return failures, compared
