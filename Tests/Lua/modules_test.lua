local check, new_bridge = require "check", require "bridge"
local test, equal, raises = check.test, check.equal, check.raises

local OFFSETS = {
  -- As Oslo had them in 2026.
  ["Europe/Oslo"] = function(at) return at >= 1774746000 and at < 1792890000 and 7200 or 3600 end,
}

local function library()
  local bridge = new_bridge()
  bridge.sync_ops["time.offset"] = function(payload)
    local zone = OFFSETS[payload.zone]
    return zone and zone(payload.at) or bridge.null
  end
  return bridge.aikit, bridge
end

-- Time ----------------------------------------------------------------------------------------------------------------

test("times are written as ISO 8601, or by a pattern, in a zone", function()
  local time = library().time
  local at = 1798131845123 -- 2026-12-24T17:04:05.123Z
  equal(time.format(at), "2026-12-24T17:04:05.123Z")
  equal(time.format(0), "1970-01-01T00:00:00Z")
  equal(time.format(-1), "1969-12-31T23:59:59.999Z")
  equal(time.format(at, nil, "Europe/Oslo"), "2026-12-24T18:04:05.123+01:00")
  equal(time.format(at, "%a %d %b %Y %I:%M %p, day %j, %u %% %z %:z", "-03:30"),
    "Thu 24 Dec 2026 01:34 PM, day 358, 4 % -0330 -03:30")
  equal(time.format(at, "%F %T.%f %A %B %e %s"), "2026-12-24 17:04:05.123 Thursday December 24 1798131845")
  raises(function() time.format(at, "%Q") end, "'%Q' is no letter")
  raises(function() time.format("now") end, "takes a time", "got a string")
  raises(function() time.format(1e300) end, "takes a time")
  raises(function() time.format(at, nil, "Europe/Atlantis") end, "no time zone 'Europe/Atlantis'")
end)

test("times are read from ISO 8601 and by a pattern", function()
  local time = library().time
  local at = 1798131845123
  equal(time.parse "2026-12-24T17:04:05.123Z", at)
  equal(time.parse "2026-12-24T18:04:05,1239+01:00", at)
  equal(time.parse "2026-12-24 17:04", at - 5123)
  equal(time.parse("2026-12-24", nil, "Europe/Oslo"), time.parse "2026-12-23T23:00Z")
  equal(time.parse("24. Dec 2026 6:04 PM", "%d. %b %Y %I:%M %p", "Europe/Oslo"), at - 5123)
  equal(time.parse("1798131845", "%s"), 1798131845000)
  equal(time.parse("2026-12-24T17:04:05+0000", "%FT%T%z"), 1798131845000)
  local refused = { "", "2026-13-01", "2026-02-29", "2026-12-24T25:00", "2026-12-24T10:00+25:00", "24.12.2026" }
  for _, wrong in ipairs(refused) do
    local raised = raises(function() time.parse(wrong) end, "aikit.time.parse")
    equal(raised.code, "invalid_time")
  end
  raises(function() time.parse("2026", "%Y-%m") end, "has no '-' at character 5")
  raises(function() time.parse("2026-1x", "%Y-%m") end, "goes on behind the pattern")
end)

test("every day of two centuries is written and read back", function()
  local time = library().time
  for day = -40000, 40000, 7 do
    local at = day * 86400000
    equal(time.parse(time.format(at, "%F")), at)
  end
  equal(time.format(time.of { year = 2000, month = 2, day = 29 }, "%j"), "060")
  equal(time.format(time.of { year = 0 }), "0000-01-01T00:00:00Z")
end)

test("calendars are reckoned with by the zone", function()
  local time = library().time
  local function add(text, amount, zone)
    return time.format(time.add(time.parse(text, nil, zone), amount, zone), nil, zone)
  end
  equal(add("2026-01-31", { months = 1 }), "2026-02-28T00:00:00Z")
  equal(add("2024-02-29", { years = 1 }), "2025-02-28T00:00:00Z")
  equal(add("2026-01-31", { months = -2 }), "2025-11-30T00:00:00Z")
  equal(add("2026-12-31", { days = 1, hours = 2 }), "2027-01-01T02:00:00Z")
  -- The clocks go forward on 29 March at 2: a day later it is as late, though 23 hours have passed.
  equal(add("2026-03-28T12:00", { days = 1 }, "Europe/Oslo"), "2026-03-29T12:00:00+02:00")
  equal(add("2026-03-28T12:00", { hours = 24 }, "Europe/Oslo"), "2026-03-29T13:00:00+02:00")
  equal(add("2026-03-28T02:30", { days = 1 }, "Europe/Oslo"), "2026-03-29T03:30:00+02:00")
  equal(add("2026-10-24T02:30", { days = 1 }, "Europe/Oslo"), "2026-10-25T02:30:00+02:00")
  equal(time.diff(0, 90000), 90)
  equal(time.diff(0, 90000, "m"), 1.5)
  equal(time.diff(5000, 0), -5)
  raises(function() time.add(0, { month = 1 }) end, "no option 'month'", "did you mean 'months'?")
  raises(function() time.add(0, { years = 1000000 }) end, "takes a time")
  raises(function() time.add(0, { months = 10 ^ 16 | 0 }) end, "`months` takes an integer from",
    "got 10000000000000000")
  raises(function() time.add(0, { months = 1.5 }) end, "`months` takes an integer from", "got 1.5")
  raises(function() time.of { year = 2026.5 } end, "`year` takes an integer, got 2026.5")
  raises(function() time.diff(0, 1, "years") end, "a unit is")
  local fields = time.fields(time.parse "2026-12-24T18:00:00.5+01:00", "Europe/Oslo")
  equal({ fields.hour, fields.millisecond, fields.weekday, fields.yearday, fields.offset }, { 18, 500, 4, 358, 3600 })
  raises(function() time.of { year = 2026, month = 2, day = 30 } end, "February 2026 has no day 30")
end)

-- CSV -----------------------------------------------------------------------------------------------------------------

test("rows are read with quotes, line breaks and any line ends", function()
  local csv = library().csv
  equal(csv.parse 'a,b\r\n"x ""y""","1\n2"\n,\n', { { "a", "b" }, { 'x "y"', "1\n2" }, { "", "" } })
  equal(csv.parse "", {})
  equal(csv.parse "a", { { "a" } })
  equal(csv.parse "a,", { { "a", "" } })
  equal(csv.parse "\239\187\191a\n", { { "a" } })
  equal(csv.parse("a;b\n", { separator = ";" }), { { "a", "b" } })
  equal(csv.parse("n,c\nA,1\nB,2\n", { header = true }), { { n = "A", c = "1" }, { n = "B", c = "2" } })
  equal(raises(function() csv.parse 'a\n"b' end, "line 2: a quote is not closed").code, "invalid_csv")
  raises(function() csv.parse 'a"b' end, "line 1: a quote within a field")
  raises(function() csv.parse '"a"b' end, "text behind a closing quote")
  raises(function() csv.parse("a,b\n1\n", { header = true }) end, "line 2: 1 fields, where the header has 2")
  raises(function() csv.parse("a", { separator = "::" }) end, "`separator` is one character")
end)

test("rows are read in pieces of any size as in one", function()
  local csv = library().csv
  local text = 'a,"b\r\nc ""d"""\r\n\r\n"",e\rf'
  local whole = csv.parse(text)
  equal(whole, { { "a", 'b\r\nc "d"' }, { "" }, { "", "e" }, { "f" } })
  for size = 1, #text do
    local at = 1
    local rows = {}
    local function piece()
      if at > #text then return nil end
      local part = text:sub(at, at + size - 1)
      at = at + size
      return part
    end
    for row in csv.rows(piece) do rows[#rows + 1] = row end
    equal(rows, whole)
  end
end)

test("rows are written so that they are read back", function()
  local csv = library().csv
  equal(csv.format { { "a", 1, true }, { 'x "y"', "1\n2", " z" } }, 'a,1,true\r\n"x ""y""","1\n2"," z"\r\n')
  equal(csv.format({ { b = 1, a = "x" }, { a = "y" } }), "a,b\r\nx,1\r\ny,\r\n")
  equal(csv.format({ { b = 1, a = "x" } }, { columns = { "b" }, line_end = "\n", separator = ";" }), "b\n1\n")
  equal(csv.format {}, "")
  raises(function() csv.format { { {} } } end, "a field takes text")
  raises(function() csv.format { "a" } end, "row 1 is a string")
end)

test("no field of a row is lost when it is written", function()
  local csv = library().csv
  equal(csv.format { { nil, "b" }, { "a", "b", nil, "d" } }, ",b\r\na,b,,d\r\n")
  equal(csv.format { { a = 1 }, {}, { a = 2, b = 3 }, { c = "x" } }, "a,b,c\r\n1,,\r\n,,\r\n2,3,\r\n,,x\r\n")
  equal(csv.format({ { 1, 2 }, { 3, 4 } }, { columns = { 2 } }), "2\r\n2\r\n4\r\n")
  local here = "modules_test.lua:"
  raises(function() csv.format { { a = 1 }, { 7, 8 } } end, here, "row 1 has names, row 2 is a list")
  raises(function() csv.format { { 7 }, {}, { a = 1 } } end, here, "row 1 is a list, row 3 has names")
  raises(function() csv.format { { 1, a = 2 } } end, here, "row 1 has both a field 'a' and a field 1")
  raises(function() csv.format { { 1 }, nil, { 3 } } end, here, "`rows`")
  raises(function() csv.format { { 1 }, total = { 3 } } end, here, "`rows` is a list", "'total'")
  raises(function() csv.format { { 1, [-1] = 2 } } end, here, "row 1", "-1")
  raises(function() csv.format { { 1, [1.5] = 2 } } end, here, "row 1", "1.5")
  raises(function() csv.format { { [true] = 2 } } end, here, "row 1", "a boolean")
  raises(function() csv.format { { [2 ^ 53 | 0] = 2 } } end, here, "row 1 has a field 9007199254740992")
  raises(function() csv.format({ { 1, 2 } }, { columns = { "a" } }) end, here, "row 1 is a list")
  raises(function() csv.format({}, { columns = {} }) end, here, "`columns` is empty")
  raises(function() csv.format({}, { columns = { "a", "a" } }) end, here, "`columns` has 'a' twice")
  raises(function() csv.format({}, { columns = { "a", nil, "c" } }) end, here, "`columns`")
  raises(function() csv.format({}, { columns = { {} } }) end, here, "`columns` takes names")
  raises(function() csv.format({ { "a" } }, { line_end = "x" }) end, here, "`line_end`", "'x'")
  raises(function() csv.format { { a = {} } } end, here, "row 1, 'a'", "got a table")
end)

test("numbers are written so that they are read back", function()
  local aikit = library()
  local numbers = {
    0.1 + 0.2, 1 / 3, 1e15, 2 ^ 53, 2 ^ 62, 1e16, 1e300, 5e-324, -0.5, math.maxinteger, math.mininteger,
    1234567.123456789,
  }
  for _, number in ipairs(numbers) do
    equal(tonumber((aikit.csv.format({ { number } }, { line_end = "\n" }):gsub("\n", ""))) == number, true)
    equal(tonumber(aikit.text.template("{{n}}", { n = number })) == number, true)
  end
  equal(aikit.csv.format { { 1.0, 2 ^ 53, 1e15, 0.5, 1e20 } }, "1,9007199254740992,1000000000000000,0.5,1e+20\r\n")
  equal(aikit.text.template("{{a}} {{b}}", { a = 2 ^ 53, b = 6 / 2 }), "9007199254740992 3")
  for _, number in ipairs { 1 / 0, -1 / 0, 0 / 0 } do
    raises(function() aikit.csv.format { { "a", number } } end, "row 1, 2", "a field takes")
  end
end)

test("a header that names two fields alike is refused, empty lines behind it are not", function()
  local csv = library().csv
  local raised = raises(function() csv.parse("id,name,id\n1,Ada,2\n", { header = true }) end,
    "line 1: two fields of the header are called 'id'")
  equal(raised.code, "invalid_csv")
  equal(csv.parse "id,name,id\n1,Ada,2\n", { { "id", "name", "id" }, { "1", "Ada", "2" } })
  equal(csv.parse("a,b\n\n\n1,2\n\n\n", { header = true }), { { a = "1", b = "2" } })
  raises(function() csv.parse("a", { header = "yes" }) end, "`header` takes true or false, got 'yes'")
end)

test("a long text of short fields is read, and pieces that are no text are refused", function()
  local csv = library().csv
  local rows = 0
  for _ in csv.rows(("x"):rep(1023, "y") .. ("\n" .. ("z"):rep(1048575)):rep(34)) do rows = rows + 1 end
  equal(rows, 35)
  raises(function() csv.rows(function() return {} end)() end, "modules_test.lua:", "pieces of text", "got a table")
end)

-- Text ----------------------------------------------------------------------------------------------------------------

test("templates fill in values, lists and sections", function()
  local template = library().text.template
  equal(template("Hello {{name}}, {{ order.total }}!", { name = "Ada", order = { total = 5 } }), "Hello Ada, 5!")
  equal(template("{{#items}}{{name}}{{#last}}.{{/last}}{{^last}}, {{/last}}{{/items}}",
    { items = { { name = "a" }, { name = "b", last = true } } }), "a, b.")
  equal(template("{{#tags}}<{{.}}>{{/tags}}{{^tags}}none{{/tags}}", { tags = { "x", "y" } }), "<x><y>")
  equal(template("{{#tags}}<{{.}}>{{/tags}}{{^tags}}none{{/tags}}", { tags = {} }), "none")
  equal(template("{{! a note }}{{rows.2.n}}", { rows = { {}, { n = "second" } } }), "second")
  equal(template "{{a}}" { a = "{{b}}" }, "{{b}}")
  equal(template("a\n{{#rows}}\n- {{.}}\n{{/rows}}\nb", { rows = { 1, 2 } }), "a\n- 1\n- 2\nb")
  equal(template("{{! note }}\n  {{#on}}  \r\nx\n  {{/on}}", { on = true }), "x\n")
  equal(template("x {{#on}}\ny{{/on}} z", { on = true }), "x \ny z")
end)

test("a template with very many tags on one line, or with none that ends, takes no longer than it is", function()
  local template = library().text.template
  equal(#template(("{{a}}"):rep(100000), { a = "bc" }), 200000)
  raises(function() template("x\n" .. ("{{"):rep(100000)) end, "line 2: '{{' is not closed")
  equal(template("{{ a" .. (" "):rep(200000) .. "}}", { a = 1 }), "1")
  equal(#template((" "):rep(200000) .. "x{{#a}}y{{/a}}", { a = true }), 200002)
end)

test("what is missing or wrong in a template is an error with its line", function()
  local template = library().text.template
  raises(function() template("a\n{{name}}", {}) end, "line 2: there is no value for '{{name}}'")
  raises(function() template("{{a.b}}", { a = {} }) end, "no value for '{{a.b}}'")
  raises(function() template("{{a}}", { a = {} }) end, "takes text, a number or a boolean, got a table")
  raises(function() template("{{#a}}", {}) end, "'{{#a}}' is not closed")
  raises(function() template("{{/a}}", {}) end, "'{{/a}}' closes nothing")
  raises(function() template("{{#a}}{{/b}}", {}) end, "closes '{{#a}}' of line 1")
  raises(function() template("{{a", {}) end, "'{{' is not closed")
  raises(function() template("{{a b}}", {}) end, "names no value")
end)

-- Files and programs --------------------------------------------------------------------------------------------------

test("lines of a file come whole, wherever its portions end", function()
  local aikit, bridge = library()
  local portions
  function bridge.request(_, payload)
    equal(payload.path, "f")
    return table.remove(portions, 1) or ""
  end
  local function lines(...)
    portions = { ... }
    local found = {}
    for line in aikit.fs.lines "f" do found[#found + 1] = line end
    return found
  end
  equal(lines("a\nb\r\n\nc"), { "a", "b", "", "c" })
  equal(lines("on", "e\r", "\ntw", "o\n"), { "one", "two" })
  equal(lines("a\r", "b\n"), { "a\rb" })
  equal(lines(), {})
end)

test("programs take words, and refuse what is none", function()
  local aikit, bridge = library()
  bridge.answers.exec = { status = 0, stdout = "", stderr = "" }
  equal(aikit.exec { "git", "-n", 5, stdin = "x", env = { KEY = aikit.secret "K", N = 1 } }.ok, true)
  equal(bridge.requests[1].payload,
    { argv = { "git", "-n", "5" }, stdin = "x", env = { KEY = { ["$secret"] = "K" }, N = "1" } })
  raises(function() aikit.exec "git status" end, 'write aikit.exec { "git", "status"')
  raises(function() aikit.exec {} end, "takes a program and its arguments")
  raises(function() aikit.exec { "git", {} } end, "argument 2 takes text, got a table")
  raises(function() aikit.exec { "git", aikit.secret "K" } end, "got a secret", "send it in `env`")
  raises(function() aikit.exec { "git", shell = true } end, "no option 'shell'")
end)

-- Digests -------------------------------------------------------------------------------------------------------------

test("a secret signs by the host, and strings are compared whole", function()
  local aikit, bridge = library()
  bridge.answers.hmac = "signed"
  equal(aikit.crypto.hmac("sha256", aikit.secret "K", "text", "bytes"), "signed")
  equal(bridge.requests[1].payload, { algorithm = "sha256", key = { ["$secret"] = "K" }, data = "text" })
  raises(function() aikit.crypto.hmac("sha3", "k", "text") end, "there is no digest 'sha3'")
  raises(function() aikit.crypto.sha256("text", "binary") end, "a digest comes as", "'binary'")
  equal({ aikit.crypto.equal("ab", "ab"), aikit.crypto.equal("ab", "ac"), aikit.crypto.equal("ab", "a"),
    aikit.crypto.equal("", "a") }, { true, false, false, false })
  equal(#aikit.crypto.random_bytes(7), 7)
  equal(aikit.crypto.random_bytes(0), "")
  raises(function() aikit.crypto.random_bytes(-1) end, "takes an integer from 0")
end)
