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

test("what undoes a step gets output, input and context", function()
  local bridge = new_bridge()
  local got
  bridge.aikit.workflow { id = "w", on_success = function() end }
    :step { id = "s", handler = function() end, compensate = function(...) got = { ... } end }
    :commit()
  local plan = bridge.plans[#bridge.plans]
  local context = { input = { n = 1 } }
  bridge.functions[plan.nodes[1].compensate]({ id = 7 }, context)
  equal(got[1], { id = 7 })
  equal(got[2], { n = 1 })
  equal(got[3] == context, true)
  equal(type(plan.on_success), "number")
end)

test("a callback says what a run came to, under the key at which it stands", function()
  local bridge = new_bridge()
  local aikit = bridge.aikit
  local told = aikit.callback { url = "https://ops.example/runs", headers = { ["x-team"] = "ops" } }
  aikit.workflow { id = "w", on_success = told, on_failure = told }
    :step { id = "s", handler = function() end }:commit()
  local plan = bridge.plans[#bridge.plans]
  local context = {
    workflow_id = "w", run_id = "r", idempotency_key = "r/w#1/completion", get_metadata = function() return {} end,
  }
  local messages = {}
  function bridge.encode_json(value)
    messages[#messages + 1] = value
    return "text"
  end
  bridge.answers.http = { status = 204, headers = {} }
  equal(bridge.functions[plan.on_success]({ rows = 3 }, context), { status = 204 })
  equal(messages[1].type, "workflow:success")
  equal(messages[1].result, { rows = 3 })
  local sent = bridge.requests[#bridge.requests].payload
  equal({ sent.method, sent.body, sent.headers["x-aikit-delivery"], sent.headers["x-team"] },
    { "POST", "text", "r/w#1/completion", "ops" })
  bridge.answers.http = { status = 503, headers = {} }
  local ok, refused = pcall(bridge.functions[plan.on_failure], { message = "no" }, context)
  equal(ok, false)
  equal({ refused.code, refused.retryable }, { "callback_refused", true })
  equal(messages[2].error, { message = "no" })
end)

test("a callback is refused where it cannot be meant", function()
  local aikit = new_bridge().aikit
  raises(function() aikit.callback "x" end, "aikit.callback takes one table")
  raises(function() aikit.callback {} end, "needs the address to call")
  raises(function() aikit.callback { url = "ops.example" } end, "needs the address to call")
  raises(function() aikit.callback { url = "https://ops.example", secret = "plain" } end, "has to be aikit.secret")
  raises(function() aikit.callback { url = "https://ops.example", secrets = 1 } end, "secret")
end)

test("signal gives its results as one value", function()
  local hooks, bridge = committed { {
    id = "paid", signal = function(request) return request.json.order, "paid", { amount = 3 } end,
  } }
  local slot = hooks[1].signal["$function"]
  equal(bridge.functions[slot]({ json = { order = "o-1" } }), { run_id = "o-1", event = "paid", data = { amount = 3 } })
end)
