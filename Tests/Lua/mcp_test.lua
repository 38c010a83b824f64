local check, new_bridge = require "check", require "bridge"
local test, equal, raises = check.test, check.equal, check.raises

test("a server is checked where it is named", function()
  local aikit = new_bridge().aikit
  raises(function() aikit.mcp {} end, "mcp_test.lua:", "takes `command` or `url`")
  raises(function() aikit.mcp { command = { "a" }, url = "http://b" } end, "takes `command` or `url`")
  raises(function() aikit.mcp { comand = { "a" } } end, "did you mean 'command'?")
  raises(function() aikit.mcp { command = {} } end, "takes a program")
  raises(function() aikit.mcp { command = { 7 } } end, "argument 1 of `command` takes text")
  raises(function() aikit.mcp { url = "http://b", env = {} } end, "go with `command`")
  raises(function() aikit.mcp { url = "http://b", headers = { a = 1 } } end, "takes text or aikit.secret")
end)

test("tools are listed and called as far as they are allowed", function()
  local bridge = new_bridge()
  local server = bridge.aikit.mcp { url = "http://b", allow = { "a" }, timeout = "5s" }
  bridge.answers.mcp = { { name = "a", input_schema = {} }, { name = "b", input_schema = {} } }
  equal(#server:tools(), 1)
  raises(function() server:call "b" end, "not among those that `allow` names")
  raises(function() server:call(7) end, "takes the name of a tool")
  bridge.answers.mcp = { structuredContent = { sum = 5 }, content = { { type = "text", text = "5" } } }
  equal(server:call("a", {}), { sum = 5 })
  bridge.answers.mcp = { content = { { type = "text", text = "one" }, { type = "text", text = "two" } } }
  equal(server:call "a", "one\ntwo")
  bridge.answers.mcp = { content = { { type = "image", data = "" } } }
  equal(server:call "a", { { type = "image", data = "" } })
  bridge.answers.mcp = { content = { { type = "text", text = "it broke" } }, isError = true }
  raises(function() server:call "a" end, "it broke")
  for _, content in ipairs { 1, true, "text" } do
    bridge.answers.mcp = { content = content }
    raises(function() server:call "a" end, "gave a result whose content is no list")
  end
  bridge.answers.mcp = { content = { { type = "text" } }, isError = true }
  raises(function() server:call "a" end, "the tool 'a' failed")
  bridge.answers.mcp = { content = { { type = "text", text = { 1 } } } }
  equal(server:call "a", { { type = "text", text = { 1 } } })
end)
