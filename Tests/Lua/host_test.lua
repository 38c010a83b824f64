local check, new_bridge = require "check", require "bridge"
local test, equal, raises = check.test, check.equal, check.raises

local function answer(status, body)
  return { status = status, headers = { ["content-type"] = "text/plain" }, body = body, url = "http://h/" }
end

test("a request reads like a call", function()
  local bridge = new_bridge()
  bridge.answers.http = answer(200, "{}")
  local options = { query = { q = "x" }, headers = { Accept = "a" }, timeout = "5s" }
  local response = bridge.aikit.http.get("http://h/", options)
  equal(bridge.requests[1], { op = "http", payload = {
    method = "GET", url = "http://h/", query = { q = "x" }, headers = { accept = "a" }, timeout = "5s",
  } })
  equal(response.ok, true)
  equal(response.status, 200)
  equal(response:json(), {})
  equal(response:text(), "{}")
  equal(response.headers["Content-Type"], "text/plain")
  equal(response.headers["x-none"], nil)
end)

test("a table is sent as JSON", function()
  local bridge = new_bridge()
  bridge.answers.http = answer(404, "no")
  local response = bridge.aikit.http.post("http://h/", { json = "v" })
  equal(bridge.requests[1].payload.body, "json:v")
  equal(bridge.requests[1].payload.headers, { ["content-type"] = "application/json" })
  equal(response.ok, false)
  local raised = raises(function() response:json() end, "HTTP 404", "is not JSON", "begins with 'no'")
  equal(raised.code, "http_body")
  bridge.answers.http = answer(204, "")
  bridge.aikit.http.request { method = "options", url = "http://h/", body = "raw" }
  equal(bridge.requests[2].payload.method, "OPTIONS")
  equal(bridge.requests[2].payload.body, "raw")
end)

test("misuse of http is an error before anything is sent", function()
  local bridge = new_bridge()
  local http = bridge.aikit.http
  raises(function() http.get { url = "http://h/" } end, "host_test.lua:", "takes a URL first, got a table")
  raises(function() http.get("http://h/", { qurey = {} }) end, "no option 'qurey'", "did you mean 'query'?")
  raises(function() http.post("http://h/", { json = 1, body = "x" }) end, "not both")
  raises(function() http.gett("http://h/") end, "did you mean 'aikit.http.get'?")
  equal(bridge.requests, {})
end)

test("bodies, queries and headers are sent right or refused", function()
  local bridge = new_bridge()
  bridge.answers.http = answer(200, "")
  local post = bridge.aikit.http.post
  local function sent(options)
    bridge.answers.http = answer(200, "")
    post("http://h/", options)
    return bridge.requests[#bridge.requests].payload
  end
  equal(sent({ body = 42 }).body, "42")
  equal(sent({ body = 1.5 }).body, "1.5")
  equal(sent({ query = "a=b&c" }).query, "a=b&c")
  equal(sent({ query = { n = 3, b = true, l = { 1, "x" }, none = {} } }).query,
    { n = "3", b = "true", l = { "1", "x" } })
  equal(sent({ headers = { ["X-A"] = 1, ["X-B"] = { "a", 2 } } }).headers, { ["x-a"] = "1", ["x-b"] = { "a", "2" } })
  local count = #bridge.requests
  raises(function() post("http://h/", { body = true }) end, "`body` takes text, got a boolean", "json =")
  raises(function() post("http://h/", { body = { a = 1 } }) end, "`body` takes text, got a table", "json =")
  raises(function() post("http://h/", { query = 5 }) end, "query = {")
  raises(function() post("http://h/", { query = { "a=b" } }) end, "without a name")
  raises(function() post("http://h/", { query = { a = { b = 1 } } }) end, "the query's 'a' takes text")
  raises(function() post("http://h/", { headers = "X-A: b" }) end, "headers = {")
  raises(function() post("http://h/", { headers = { "X-A: b" } }) end, 'headers = { ["X-A"] = "b" }')
  raises(function() post("http://h/", { headers = { ["X-A"] = true } }) end, "'X-A' takes text", "got a boolean")
  raises(function() post("http://h/", { headers = { Host = "a", host = "b" } }) end, "given twice")
  raises(function() bridge.aikit.http.request { url = "http://h/", method = 5 } end, "`method` takes text")
  equal(#bridge.requests, count)
end)

test("repeated headers stay apart", function()
  local bridge = new_bridge()
  bridge.answers.http = {
    status = 200, body = "", url = "http://h/",
    headers = {
      ["set-cookie"] = { "a=1; Expires=Wed, 09 Jun 2027 10:18:14 GMT", "b=2" }, link = { "x", "y" }, etag = "e",
    },
  }
  local response = bridge.aikit.http.get("http://h/")
  equal(response.headers["Set-Cookie"], { "a=1; Expires=Wed, 09 Jun 2027 10:18:14 GMT", "b=2" })
  equal(response.headers.link, "x, y")
  equal(response:values("Link"), { "x", "y" })
  equal(response:values("ETag"), { "e" })
  equal(response:values("none"), {})
end)

test("parts are sent as multipart/form-data", function()
  local bridge = new_bridge()
  bridge.answers.http = answer(200, "")
  bridge.aikit.http.post("http://h/", {
    multipart = { note = "hi", file = { body = "\xff\0", filename = 'a"b.png', type = "image/png" } },
  })
  local payload = bridge.requests[1].payload
  local boundary = payload.headers["content-type"]:match("^multipart/form%-data; boundary=(%S+)$")
  local expected = ("--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a%22b.png\"\r\n"
    .. "Content-Type: image/png\r\n\r\n\xff\0\r\n--B\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n"
    .. "--B--\r\n"):gsub("%-%-B", function() return "--" .. boundary end)
  equal(payload.body, expected)
  raises(function() bridge.aikit.http.post("http://h/", { multipart = { a = true } }) end, "the body of the part 'a'")
  raises(function() bridge.aikit.http.post("http://h/", { multipart = { { body = "x" } } }) end, "has no name")
  raises(function() bridge.aikit.http.post("http://h/", { multipart = {}, body = "x" }) end, "not both")
end)

test("fail raises a table that reads well", function()
  local aikit = new_bridge().aikit
  local raised = raises(function() aikit.fail { code = "c", message = "m", retryable = false, details = { 1 } } end)
  equal(tostring(raised), "m")
  local fields = {}
  for key, value in pairs(raised) do fields[key] = value end
  equal(fields, { code = "c", message = "m", retryable = false, details = { 1 } })
  equal(raises(function() aikit.fail "plain" end).message, "plain")
  raises(function() aikit.fail { mesage = "x" } end, "did you mean 'message'?")
  equal(raises(function() aikit.fail { message = "m", retry_after = "2s" } end).retry_after, "2s")
  raises(function() aikit.fail { message = "m", retry_after = "soon" } end, "`retry_after` takes seconds")
  raises(function() aikit.fail(5) end, "takes a message or a table")
end)

test("what the runs of a VM share is out of reach of scripts", function()
  local bridge = new_bridge()
  bridge.answers.http = answer(200, "{}")
  local response = bridge.aikit.http.get("http://h/")
  local failure = raises(function() bridge.aikit.fail "plain" end)
  for _, object in ipairs { response, failure } do
    equal(type(getmetatable(object)) == "table", false)
    raises(function() setmetatable(object, nil) end, "protected metatable")
  end
  equal(rawequal(response.__index, nil), true)
  raises(function() response.text({}) end, "call it with a colon")
end)

test("time, chance and logging ask the host", function()
  local bridge = new_bridge()
  local aikit = bridge.aikit
  aikit.sleep "10ms"
  equal(bridge.requests[1], { op = "sleep", payload = "10ms" })
  equal(aikit.now(), 1700000000000)
  equal(#aikit.uuid(), 36)
  equal(aikit.random(), 0.5)
  equal(aikit.random(6), 6)
  equal(aikit.random(2, 3), 3)
  equal(aikit.version, "0.0.0")
  raises(function() aikit.random(0) end, "no integer from 1 to 0")
  raises(function() aikit.random(1.5) end, "takes integers")
  for _, wrong in ipairs { {}, "5 parsecs", "", "s", "1.2.3s", -1, 1 / 0 } do
    raises(function() aikit.sleep(wrong) end, "host_test.lua:", "takes seconds")
  end
  for _, right in ipairs { 0, 0.5, "10", "1.5 s", "30d" } do aikit.sleep(right) end
  aikit.log.info("hello", { a = 1 })
  equal(bridge.logs[1].level, "info")
  equal(bridge.logs[1].fields, { a = 1 })
  assert(bridge.logs[1].where:find "host_test.lua:%d+$")
end)

test("all gives results by index or by name", function()
  local aikit = new_bridge().aikit
  equal(aikit.all { function() return 1 end, function() return 2 end }, { 1, 2 })
  equal(aikit.all { b = function() return "x" end, a = function() return "y" end }, { a = "y", b = "x" })
  raises(function() aikit.all { aikit.now() } end, "takes functions, got a number at '1'")
  raises(function() aikit.all(print) end, "expected a table")
end)

test("json and arrays", function()
  local bridge = new_bridge()
  local aikit = bridge.aikit
  equal(aikit.json.encode("v", { pretty = true }), "json:v:pretty")
  bridge.sync_ops["json.encode"] = function() error({ message = "json.encode.a[1] is infinite" }, 0) end
  raises(function() aikit.json.encode { a = { 1 / 0 } } end, "host_test.lua:", "encode: value.a[1] is infinite")
  equal(aikit.json.decode "{}", {})
  raises(function() aikit.json.decode(nil) end, "expected a string, got nil")
  assert(getmetatable(aikit.array()) == "array")
  local list = aikit.array { 1 }
  assert(aikit.array(list) == list)
  equal(aikit.null, bridge.null)
end)

test("methods of an answer that are called with a dot are refused at the script's line", function()
  local bridge = new_bridge()
  bridge.answers.http = { status = 200, url = "https://a", body = "{}", headers = {} }
  local response = bridge.aikit.http.get "https://a"
  for _, name in ipairs { "json", "text", "values" } do
    raises(function() response[name]() end, "host_test.lua:", "call it with a colon: response:" .. name .. "(…)")
  end
  equal(response:json(), {})
end)

test("functions of the library that are called with a colon are refused at the script's line", function()
  local aikit = new_bridge().aikit
  for space, names in pairs {
    [aikit] = { "workflow", "step", "now", "array", "fail", "sleep" }, [aikit.log] = { "info" },
    [aikit.json] = { "encode", "decode" }, [aikit.http] = { "get" }, [aikit.crypto] = { "hex_encode" },
  } do
    for _, name in ipairs(names) do
      raises(function() space[name](space, "x") end, "host_test.lua:", "call it with a dot: ", "." .. name .. "(…)")
    end
  end
end)

test("what is no function, and names of other libraries, lead to what is written here", function()
  local aikit = new_bridge().aikit
  raises(function() aikit.log("x") end, "host_test.lua:", 'write aikit.log.info("message")')
  raises(function() aikit.http("https://a") end, "aikit.http is not a function; it has delete, get")
  raises(function() aikit() end, "aikit is not a function")
  raises(function() return aikit.json.parse end, "write aikit.json.decode")
  raises(function() return aikit.json.stringify end, "write aikit.json.encode")
end)

-- Modules of the program that runs the engine ------------------------------------------------------------------------

test("a host module asks the program", function()
  local bridge = new_bridge()
  bridge.answers["host.orders.lookup"] = { id = 7, open = true }
  local orders = bridge.aikit.host "orders"
  equal(orders.lookup { id = 7 }, { id = 7, open = true })
  orders.ping()
  equal(bridge.requests, {
    { op = "host.orders.lookup", payload = { id = 7 } }, { op = "host.orders.ping" },
  })
end)

test("a host module that is called wrongly says how", function()
  local aikit = new_bridge().aikit
  local orders = aikit.host "orders"
  raises(function() orders:lookup { id = 7 } end, "host_test.lua:", "call it with a dot: orders.lookup(…)")
  raises(function() orders.lookup(1, 2) end, "host_test.lua:", "orders.lookup takes one value")
  raises(function() orders() end, "a host module is not a function; write orders.name(…)")
  raises(function() orders.lookup = 1 end, "'lookup' cannot be set")
  raises(function() aikit.host(7) end, 'aikit.host "orders"')
  raises(function() aikit.host "a b" end, "aikit.host takes a name of letters", "got 'a b'")
end)
