local check, new_bridge = require "check", require "bridge"
local test, equal, raises = check.test, check.equal, check.raises

local function committed(hooks)
  local bridge = new_bridge()
  local aikit = bridge.aikit
  if type(hooks) == "function" then hooks = hooks(aikit) end
  aikit.workflow { id = "w", hooks = hooks }:step { id = "s", handler = function() end }:commit()
  return bridge.plans[#bridge.plans].hooks, bridge
end

test("a hook names the secret by which it verifies, and never holds it", function()
  local hooks = committed(function(aikit)
    return { {
      id = "push", path = "github/push",
      verify = aikit.hmac { secret = aikit.secret "GITHUB_SECRET", header = "X-Hub-Signature-256", prefix = "sha256=" },
    } }
  end)
  equal(hooks[1].verify,
    { hmac = { secret = { ["$secret"] = "GITHUB_SECRET" }, header = "X-Hub-Signature-256", prefix = "sha256=" } })
end)

test("the secret of a hook is a secret as it is", function()
  local aikit = new_bridge().aikit
  raises(function() aikit.hmac "x" end, "aikit.hmac takes one table")
  raises(function() aikit.hmac { secret = "plain", header = "X" } end, "has to be aikit.secret")
  raises(function() aikit.hmac { secret = aikit.secret("A"):bearer(), header = "X" } end, "has to be aikit.secret")
end)

test("signal gives its results as one value", function()
  local hooks, bridge = committed { {
    id = "paid", signal = function(request) return request.json.order, "paid", { amount = 3 } end,
  } }
  local slot = hooks[1].signal["$function"]
  equal(bridge.functions[slot]({ json = { order = "o-1" } }), { run_id = "o-1", event = "paid", data = { amount = 3 } })
end)
