-- `aikit.http`: requests that read like function calls; the step waits, nothing else does.
local bridge, part = ...
local errors, objects = part "errors", part "objects"
local ipairs, pairs, pcall, rawget = ipairs, pairs, pcall, rawget
local setmetatable, type = setmetatable, type
local lower, upper = string.lower, string.upper
local misuse = errors.misuse

local OPTIONS = { "method", "url", "headers", "query", "json", "body", "timeout", "max_size", "redirects" }

local response = {}
response.__index = response

--- The body as text.
function response:text() return self.body end

--- The body read as JSON.
function response:json()
  local ok, value = pcall(bridge.decode_json, self.body)
  if ok then return value end
  local start = self.body:sub(1, 60):gsub("%s+", " ")
  local why = errors.text(value):gsub("^invalid JSON: ", "")
  return part("host").fail {
    code = "http_body",
    message = ("the answer of %s (HTTP %d) is not JSON: %s; it begins with '%s'"):format(
      self.url, self.status, why, start),
  }
end

-- Header names have no case; the host gives them in lower case.
local headers = { __index = function(self, name) return rawget(self, lower(name)) end }

local function send(method, url, options)
  options = options or {}
  if type(url) ~= "string" then
    misuse('aikit.http.%s takes a URL first, got %s: write aikit.http.%s("https://…", { … })', lower(method),
      errors.kind(url), lower(method))
  end
  errors.known(errors.expect(options, "table", 'aikit.http.get(url, { query = { … } })'), OPTIONS, "aikit.http")
  if options.json ~= nil and options.body ~= nil then misuse("aikit.http: give `json` or `body`, not both") end

  local sent, body = {}, options.body
  for name, value in pairs(options.headers or {}) do sent[lower(name)] = value end
  if options.json ~= nil then
    body = bridge.encode_json(options.json)
    sent["content-type"] = sent["content-type"] or "application/json"
  end
  local answer = bridge.request("http", {
    method = method, url = url, headers = sent, query = options.query, body = body,
    timeout = options.timeout, max_size = options.max_size, redirects = options.redirects,
  })
  answer.ok = answer.status >= 200 and answer.status < 300
  setmetatable(answer.headers, headers)
  return setmetatable(answer, response)
end

local http = {}

for _, method in ipairs { "get", "post", "put", "patch", "delete", "head" } do
  local verb = upper(method)
  http[method] = function(url, options) return send(verb, url, options) end
end

--- Any method: `aikit.http.request { method = "OPTIONS", url = … }`.
function http.request(options)
  errors.expect(options, "table", 'aikit.http.request { method = "GET", url = "https://…" }')
  return send(upper(options.method or "GET"), options.url, options)
end

return objects.namespace("aikit.http", http)
