-- `aikit.http`: requests that read like function calls; the step waits, nothing else does.
local bridge, part = ...
local errors, objects = part "errors", part "objects"
local number_text = part("number_text").data
local getmetatable, ipairs, next, pairs, pcall, rawget = getmetatable, ipairs, next, pairs, pcall, rawget
local setmetatable, tostring, type = setmetatable, tostring, type
local lower, upper, concat = string.lower, string.upper, table.concat
local misuse = errors.misuse

local OPTIONS = {
  "method", "url", "headers", "query", "json", "body", "multipart", "timeout", "queue_timeout", "max_size", "redirects",
}

local STREAM_OPTIONS = { "as", "idle_timeout" }
for _, name in ipairs(OPTIONS) do STREAM_OPTIONS[#STREAM_OPTIONS + 1] = name end

local NO_SECRET = "a secret goes into no URL, which servers and proxies write down: send it in a header"

local response = {}
-- Runs share it, so no script gets hold of it, nor of the table of methods. It has no name, so that print shows the
-- fields.
local class = { __metatable = false, __index = function(_, key) return response[key] end }

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

--- All values of a header, in order; a list, empty when the answer does not have it.
function response:values(name)
  local lists = getmetatable(self.headers)
  return lists and lists.values(lower(name)) or {}
end

local function is_response(value) return type(value) == "table" and getmetatable(value) == false end

errors.with_colon(response, is_response, "response")

--- Makes a table of names (in lower case) and texts or lists of texts one that is read in any case. Repeated headers
--- are joined with commas, as HTTP allows, except Set-Cookie, whose values have commas: it is always a list.
local function readable(headers)
  local lists = {}
  for name, value in pairs(headers) do
    lists[name] = type(value) == "table" and value or { value }
    headers[name] = name == "set-cookie" and lists[name] or concat(lists[name], ", ")
  end
  local function values(name)
    local copy = {}
    for index, value in ipairs(lists[name] or {}) do copy[index] = value end
    return copy
  end
  return setmetatable(headers, { __index = function(self, name) return rawget(self, lower(name)) end, values = values })
end

--- What stands in a request for a secret; nil for every other value.
local function mark_of(value)
  return getmetatable(value) == "secret" and part("secret").mark(value) or nil
end

--- The text of a text or a number, nil for anything else.
local function text_of(value)
  if type(value) == "string" then return value end
  if type(value) == "number" then return number_text(value) end
end

--- Each item of a list turned to text by `convert`, or nil when the table is no list or an item has no text.
local function list_of(list, convert)
  local texts, count = {}, 0
  for _ in pairs(list) do count = count + 1 end
  for index = 1, count do
    texts[index] = convert(list[index])
    if texts[index] == nil then return nil end
  end
  return texts
end

--- What a header is sent as: text, or the mark of a secret.
local function header_of(value) return text_of(value) or mark_of(value) end

local function headers_of(given)
  local sent = {}
  errors.expect(given, "table", 'aikit.http.get(url, { headers = { accept = "text/csv" } })')
  for name, value in errors.each(given) do
    if type(name) ~= "string" then
      misuse('aikit.http: headers are names and values, got %s without a name: write headers = { ["X-A"] = "b" }',
        errors.kind(value))
    end
    local key = lower(name)
    if sent[key] ~= nil then misuse("aikit.http: the header '%s' is given twice, in different case", key) end
    sent[key] = header_of(value) or type(value) == "table" and next(value) ~= nil and list_of(value, header_of) or nil
    if sent[key] == nil then
      misuse("aikit.http: the header '%s' takes text, a number or a list of them, got %s", name, errors.kind(value))
    end
  end
  return sent
end

local function query_text(value)
  return type(value) == "boolean" and tostring(value) or text_of(value)
end

local function query_of(given)
  if type(given) == "string" then return given end
  errors.expect(given, "table", 'aikit.http.get(url, { query = { city = "Nantes" } })')
  local sent = {}
  for name, value in errors.each(given) do
    if type(name) ~= "string" then
      misuse('aikit.http: a query has names and values, got %s without a name: write query = { name = "value" }',
        errors.kind(value))
    end
    local text = type(value) == "table" and list_of(value, query_text) or query_text(value)
    if mark_of(value) then misuse("aikit.http: %s", NO_SECRET) end
    if text == nil then
      misuse("aikit.http: the query's '%s' takes text, a number, a boolean or a list of them, got %s", name,
        errors.kind(value))
    end
    -- An empty list is no pair at all.
    if type(text) == "string" or #text > 0 then sent[name] = text end
  end
  return next(sent) and sent or nil
end

--- The body of a request and its content type, or nil.
local function body_of(options)
  local given = 0
  for _, name in ipairs { "json", "body", "multipart" } do given = given + (options[name] ~= nil and 1 or 0) end
  if given > 1 then misuse("aikit.http: give `json` or `body` or `multipart`, not both") end
  if options.json ~= nil then return bridge.encode_json(options.json), "application/json" end
  if options.multipart ~= nil then return part "multipart" (options.multipart) end
  if options.body == nil then return nil end
  local text = text_of(options.body)
  if text then return text end
  return misuse("aikit.http: `body` takes text, got %s: write json = … to send a value as JSON",
    errors.kind(options.body))
end

--- What the host gets for a request; `options` has the keys of `known` only.
-- `call` is what the script called: its name, and how it is written.
local function payload_of(call, method, url, options, known)
  errors.known(errors.expect(options, "table", 'aikit.http.get(url, { query = { … } })'), known, "aikit.http")
  if mark_of(url) or mark_of(options.query) then misuse("%s: %s", call.name, NO_SECRET) end
  if type(url) ~= "string" then misuse(call.takes .. ", got %s: write %s", errors.kind(url), call.sample) end
  local sent = headers_of(options.headers or {})
  local body, kind = body_of(options)
  if kind then sent["content-type"] = sent["content-type"] or kind end
  return {
    method = method, url = url, headers = sent, body = body,
    query = options.query ~= nil and query_of(options.query) or nil,
    timeout = options.timeout, queue_timeout = options.queue_timeout, max_size = options.max_size,
    redirects = options.redirects, idle_timeout = options.idle_timeout,
  }
end

local function send(call, method, url, options)
  local answer = bridge.request("http", payload_of(call, method, url, options == nil and {} or options, OPTIONS), true)
  answer.ok = answer.status >= 200 and answer.status < 300
  readable(answer.headers)
  return setmetatable(answer, class)
end

local ORDERS = { chunks = true, lines = true, events = true }

local http = {}

for _, method in ipairs { "get", "post", "put", "patch", "delete", "head" } do
  local verb, name = upper(method), "aikit.http." .. method
  local call = { name = name, takes = name .. " takes a URL first", sample = name .. '("https://…", { … })' }
  http[method] = function(url, options) return send(call, verb, url, options) end
end

local REQUEST = {
  name = "aikit.http.request", takes = "aikit.http.request takes the URL as `url`",
  sample = 'aikit.http.request { method = "GET", url = "https://…" }',
}
local STREAM = {
  name = "aikit.http.stream", takes = "aikit.http.stream takes a method and then a URL",
  sample = 'aikit.http.stream("GET", "https://…", { … })',
}

--- Any method: `aikit.http.request { method = "OPTIONS", url = … }`.
function http.request(options)
  errors.expect(options, "table", REQUEST.sample)
  local method = options.method or "GET"
  if type(method) ~= "string" then
    misuse('aikit.http: `method` takes text such as "PUT", got %s', errors.kind(method))
  end
  return send(REQUEST, upper(method), options.url, options)
end

--- An answer that is read while it comes: `for event in aikit.http.stream("POST", url, { … }):events() do`.
function http.stream(method, url, options)
  errors.expect(method, "string", STREAM.sample)
  if options == nil then options = {} end
  local payload = payload_of(STREAM, upper(method), url, options, STREAM_OPTIONS)
  local as = options.as or "chunks"
  if not ORDERS[as] then
    misuse('aikit.http.stream: `as` is "chunks", "lines" or "events", got %s',
      type(as) == "string" and "'" .. as .. "'" or errors.kind(as))
  end
  local head = bridge.request("http.open", payload, true)
  readable(head.headers)
  return part "http_stream" (head, as)
end

return objects.namespace("aikit.http", http)
