-- Callbacks: completion handlers that tell an address how a run ended.
local bridge, part = ...
local errors, objects = part "errors", part "objects"
local match, pairs, tostring, type = string.match, pairs, tostring, type
local misuse = errors.misuse

local callbacks = {}

local KEYS = { "url", "secret", "headers", "timeout" }

--- The type of the message and the key of what the run came to, by the key of a workflow under which a callback stands.
local MESSAGES = {
  on_success = { "workflow:success", "result" },
  on_failure = { "workflow:error", "error" },
  on_cancel = { "workflow:cancelled", "error" },
}

local callback_class = objects.class("callback", {}, {})

--- `aikit.callback { … }`: stands in the place of a function in `on_success`, `on_failure` and `on_cancel`.
function callbacks.new(config)
  errors.no_colon(config, "callback")
  if type(config) ~= "table" or objects.state(config) then
    misuse('aikit.callback takes one table, got %s: write aikit.callback { url = "https://…", '
      .. 'secret = aikit.secret "NAME" }', errors.kind(config))
  end
  errors.known(config, KEYS, "aikit.callback")
  if type(config.url) ~= "string" or not match(config.url, "^https?://.") then
    misuse('aikit.callback needs the address to call: write url = "https://example.org/runs", got %s',
      errors.kind(config.url))
  end
  local own = {}
  for key, value in pairs(config) do own[key] = value end
  if own.secret ~= nil then
    local mark = part("secret").mark(own.secret)
    if not mark or mark.as then
      misuse("aikit.callback: `secret` has to be aikit.secret \"NAME\" as it is, got %s", tostring(own.secret))
    end
  end
  return objects.new(callback_class, { kind = "callback", config = own })
end

--- Whether the receiver may take the message when it is sent again.
local function is_passing(status) return status >= 500 or status == 408 or status == 425 or status == 429 end

local function send(config, kind, name, outcome, context)
  local body = bridge.encode_json {
    type = kind, workflowId = context.workflow_id, runId = context.run_id, timestamp = bridge.now(),
    metadata = context:get_metadata(), [name] = outcome,
  }
  local headers = {}
  for key, value in pairs(config.headers or {}) do headers[key] = value end
  headers["content-type"] = "application/json"
  -- The same at every attempt, so that a receiver knows what it has had.
  headers["x-aikit-delivery"] = context.idempotency_key
  if config.secret then
    headers["x-aikit-signature"] = "sha256=" .. part("crypto").hmac("sha256", config.secret, body)
  end
  local answer = part("http").post(config.url, { body = body, headers = headers, timeout = config.timeout or "30s" })
  if answer.ok then return { status = answer.status } end
  return part("host").fail {
    code = "callback_refused", message = ("%s answered HTTP %d"):format(config.url, answer.status),
    retryable = is_passing(answer.status), retry_after = answer.retry_after,
  }
end

--- The function that tells of what stands under a key of a workflow; nil for what is no callback.
function callbacks.handler(value, key)
  local state = objects.state(value, callback_class)
  local message = MESSAGES[key]
  if not state or not message then return nil end
  return function(outcome, context) return send(state.config, message[1], message[2], outcome, context) end
end

return callbacks
