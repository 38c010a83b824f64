-- Webhooks: how a request shows whom it is from, and the functions that a hook asks.
local _, part = ...
local errors, objects = part "errors", part "objects"
local pairs, tostring, type = pairs, tostring, type
local misuse = errors.misuse

local hooks = {}

--- `aikit.hmac { … }`: a header that holds the HMAC of the raw body.
function hooks.hmac(config)
  errors.no_colon(config, "hmac")
  if type(config) ~= "table" or objects.state(config) then
    misuse("aikit.hmac takes one table, got %s: write aikit.hmac { secret = aikit.secret \"NAME\", header = \"X-Signature\" }",
      errors.kind(config))
  end
  local own = {}
  for key, value in pairs(config) do own[key] = value end
  if own.secret ~= nil then
    local mark = part("secret").mark(own.secret)
    if not mark or mark.as then
      misuse("aikit.hmac: `secret` has to be aikit.secret \"NAME\" as it is, got %s", tostring(own.secret))
    end
    own.secret = mark
  end
  return { hmac = own }
end

--- The hooks of a workflow with functions as the host asks them: `signal` gives its results as one value.
function hooks.define(list)
  if type(list) ~= "table" or objects.state(list) then return list end
  local defined = {}
  for key, hook in pairs(list) do
    local own = hook
    if type(hook) == "table" and not objects.state(hook) and type(hook.signal) == "function" then
      own = {}
      for name, value in pairs(hook) do own[name] = value end
      own.signal = function(request)
        local run, event, data = hook.signal(request)
        return { run_id = run, event = event, data = data }
      end
    end
    defined[key] = own
  end
  return defined
end

return hooks
