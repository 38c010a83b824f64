local check, new_bridge = require "check", require "bridge"
local test, equal, raises = check.test, check.equal, check.raises

--- A bridge whose streams give these chunks, and what was asked of the host.
local function serving(chunks, status)
  local bridge = new_bridge()
  local at, closed = 0, 0
  local request = bridge.request
  function bridge.request(op, payload, takes_bytes)
    if op == "http.open" then
      bridge.answers[op] = { status = status or 200, headers = { ["x-a"] = "b" }, url = "http://h/", stream = 7 }
    elseif op == "http.read" then
      equal(payload, { stream = 7 })
      at = at + 1
      bridge.answers[op] = chunks[at] and { data = chunks[at] } or { done = true }
    elseif op == "http.close" then
      closed = closed + 1
    end
    return request(op, payload, takes_bytes)
  end
  return bridge, function() return closed end
end

local function lines_of(...)
  local lines = {}
  for line in serving { ... }.aikit.http.stream("GET", "http://h/"):lines() do lines[#lines + 1] = line end
  return lines
end

local function events_of(...)
  local events = {}
  for event in serving { ... }.aikit.http.stream("GET", "http://h/"):events() do events[#events + 1] = event end
  return events
end

test("a stream has the head of its answer and gives its chunks", function()
  local bridge, closed = serving { "ab", "c" }
  local stream = bridge.aikit.http.stream("post", "http://h/", { json = 1, idle_timeout = "5s" })
  equal(bridge.requests[1].payload.method, "POST")
  equal(bridge.requests[1].payload.idle_timeout, "5s")
  equal({ stream.status, stream.ok, stream.headers["X-A"], stream.url }, { 200, true, "b", "http://h/" })
  local chunks = {}
  for chunk in stream:chunks() do chunks[#chunks + 1] = chunk end
  equal(chunks, { "ab", "c" })
  equal(closed(), 0)
end)

test("a loop that is left closes the stream, by an error too", function()
  local bridge, closed = serving { "a", "b" }
  for _ in bridge.aikit.http.stream("GET", "http://h/"):chunks() do break end -- luacheck: ignore 512
  equal(closed(), 1)
  bridge, closed = serving { "a", "b" }
  pcall(function()
    for _ in bridge.aikit.http.stream("GET", "http://h/"):chunks() do error "no" end
  end)
  equal(closed(), 1)
end)

test("lines end with LF, CR LF or CR, wherever the chunks break", function()
  equal(lines_of("a\nb\r\nc\rd"), { "a", "b", "c", "d" })
  equal(lines_of("a\r", "\nb"), { "a", "b" })
  equal(lines_of("a\r", "b\r"), { "a", "b" })
  equal(lines_of("on", "e", "\n\ntwo\n"), { "one", "", "two" })
  equal(lines_of(), {})
  equal(lines_of("\n"), { "" })
end)

test("events have their name, data and id", function()
  equal(events_of("\239\187\191data: one\n\n: comment\nevent: delta\ndata:two\ndata: three\nid: 5\n\n"),
    { { event = "message", data = "one" }, { event = "delta", data = "two\nthree", id = "5" } })
  equal(events_of("retry: 10\nda", "ta: x\r", "\n\r\n", "event: nothing\n\ndata: cut"),
    { { event = "message", data = "x", retry = 10 } })
  equal(events_of("data\n\n"), { { event = "message", data = "" } })
end)

test("a loop over the stream itself goes by `as`", function()
  local seen = {}
  for line in serving { "a\nb" }.aikit.http.stream("GET", "http://h/", { as = "lines" }) do seen[#seen + 1] = line end
  equal(seen, { "a", "b" })
  equal(serving({ "no", "t" }, 404).aikit.http.stream("GET", "http://h/"):text(), "not")
end)

test("misuse of streams is an error", function()
  local bridge = serving {}
  local http = bridge.aikit.http
  raises(function() http.stream("http://h/") end, "takes a method and then a URL, got nil: write aikit.http.stream(")
  raises(function() http.stream("GET", "http://h/", { as = "words" }) end, "`as` is", "'words'")
  raises(function() http.get("http://h/", { as = "lines" }) end, "no option 'as'")
  raises(function() http.stream("GET", "http://h/").lines() end, "call it with a colon")
end)
