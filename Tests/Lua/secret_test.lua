local check, new_bridge = require "check", require "bridge"
local test, equal, raises = check.test, check.equal, check.raises

local function answer() return { status = 200, headers = {}, body = "", url = "http://h/" } end

test("a secret shows its name and nothing else", function()
  local aikit = new_bridge().aikit
  local key = aikit.secret "API_KEY"
  equal(tostring(key), "secret(API_KEY)")
  equal(tostring(key:bearer()), "Bearer secret(API_KEY)")
  equal(tostring(key:basic "ada"), "Basic ada:secret(API_KEY)")
  equal(tostring(key:prefixed "ApiKey "), "ApiKey secret(API_KEY)")
  equal(key.name, "API_KEY")
  equal(next(key), nil)
end)

test("a header carries the mark of a secret", function()
  local bridge = new_bridge()
  local key = bridge.aikit.secret "API_KEY"
  local function sent(headers)
    bridge.answers.http = answer()
    bridge.aikit.http.get("http://h/", { headers = headers })
    return bridge.requests[#bridge.requests].payload.headers
  end
  equal(sent { ["X-Key"] = key }, { ["x-key"] = { ["$secret"] = "API_KEY" } })
  equal(sent { Authorization = key:bearer() }, { authorization = { ["$secret"] = "API_KEY", as = "bearer" } })
  equal(sent { Authorization = key:basic "u" },
    { authorization = { ["$secret"] = "API_KEY", as = "basic", text = "u" } })
  equal(sent { ["x-a"] = { "b", key } }, { ["x-a"] = { "b", { ["$secret"] = "API_KEY" } } })
end)

test("a secret is refused where text is made of it", function()
  local bridge = new_bridge()
  local aikit = bridge.aikit
  local key = aikit.secret "API_KEY"
  raises(function() return "Bearer " .. key end, "secret_test.lua:", "secret(API_KEY) is no text", ":bearer()")
  raises(function() return key .. "x" end, "secret(API_KEY) is no text")
  raises(function() return #key end, "secret(API_KEY) is no text")
  raises(function() return key < key end, "secret(API_KEY) is no text")
  raises(function() return key:bearer():bearer() end, "has its form already")
  raises(function() return key:upper() end, "a secret has no 'upper'")
  raises(function() key.name = "OTHER" end, "'name' cannot be set")
  raises(function() return aikit.secret "a key" end, "'a key' is no name of a secret")
  raises(function() return aikit.secret(5) end, 'write aikit.secret "API_KEY"')
  raises(function() return key:basic "a:b" end, "no colon")
end)

test("a secret is refused in URLs and bodies", function()
  local bridge = new_bridge()
  local aikit = bridge.aikit
  local key = aikit.secret "API_KEY"
  raises(function() aikit.http.get(key) end, "a secret goes into no URL")
  raises(function() aikit.http.get("http://h/", { query = { key = key } }) end, "a secret goes into no URL")
  raises(function() aikit.http.get("http://h/", { query = key }) end, "a secret goes into no URL")
  raises(function() aikit.http.post("http://h/", { body = key }) end, "`body` takes text, got a secret")
  equal(bridge.requests, {})
end)

test("parts of the library tell secrets from other values", function()
  local bridge = new_bridge()
  local secret = bridge.part "secret"
  equal(secret.name(secret.new "A"), "A")
  equal(secret.name { name = "A" }, nil)
  equal(secret.name "A", nil)
  equal(secret.mark "A", nil)
  equal(secret.mark(nil), nil)
end)
