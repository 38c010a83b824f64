-- `test.http`: answers for the requests of the test that runs. The host matches them; no request leaves the machine.
local bridge, part = ...
local errors, objects, slots = part "errors", part "objects", part "slots"
local ipairs, pairs, pcall, tostring, type = ipairs, pairs, pcall, tostring, type
local gsub, lower, match, math_type = string.gsub, string.lower, string.match, math.type
local misuse = errors.misuse

local FIELDS = { "status", "json", "body", "headers", "error" }

local methods = {}
local class = objects.class("stubs", methods, {})

--- The requests that were made since the stubs were set, as a list of `{ method, url, headers, body, json }`.
function methods:requests()
  if not objects.state(self, class) then misuse("call it with a colon: http:requests()") end
  local list = bridge.request("test.requests")
  for _, made in ipairs(list) do
    local kind = made.headers and made.headers["content-type"]
    if made.body and kind and match(kind, "^application/json") then made.json = bridge.decode_json(made.body) end
  end
  return list
end

--- One answer in the form in which the host gives it.
local function answer(key, given)
  if type(given) ~= "table" then
    misuse("test.http: the answer to '%s' is a table, a list of them or a function, got %s", key, errors.kind(given))
  end
  local what = "test.http: the answer to '" .. key .. "'"
  errors.known(given, FIELDS, what)
  if given.error ~= nil then return { error = errors.text(given.error) } end
  local status = given.status or 200
  if math_type(status) ~= "integer" or status < 200 or status > 599 then
    misuse("%s: `status` takes a whole number from 200 to 599, got %s", what, errors.shown(status))
  end
  if given.headers ~= nil and type(given.headers) ~= "table" then
    misuse("%s: `headers` takes a table of names and texts, got %s", what, errors.shown(given.headers))
  end
  local headers, body = {}, given.body or ""
  for name, value in pairs(given.headers or {}) do
    if type(name) ~= "string" then misuse("%s: `headers` takes names, got %s", what, errors.shown(name)) end
    if type(value) ~= "string" and type(value) ~= "number" then
      misuse("%s: the header '%s' takes text, got %s", what, name, errors.kind(value))
    end
    headers[lower(name)] = tostring(value)
  end
  if type(body) ~= "string" then
    misuse("%s: `body` takes text, got %s; write json = … for JSON", what, errors.kind(body))
  end
  if given.json ~= nil then
    if given.body ~= nil then misuse("%s: it has `body` and `json`; one of them is the answer", what) end
    local ok, text = pcall(bridge.encode_json, given.json)
    if not ok then misuse("%s: %s", what, (gsub(errors.text(text), "^json%.encode", "json"))) end
    body = text
    headers["content-type"] = headers["content-type"] or "application/json"
  end
  return { status = status, headers = headers, body = body }
end

--- Answers requests by `METHOD URL`, for the rest of the test.
return function(stubs)
  errors.expect(stubs, "table", 'test.http { ["GET https://api.example/v1"] = { json = { … } } }')
  local list = {}
  for _, key in ipairs(errors.ordered_keys(stubs)) do
    local given, entry = stubs[key], { key = key }
    if type(key) ~= "string" or not match(key, "^%u+ %S+$") and not match(key, "^%* %S+$") then
      misuse('test.http: a key is a method and a URL, such as "GET https://api.example/v1", got %s',
        type(key) == "string" and "'" .. key .. "'" or errors.kind(key))
    end
    if type(given) == "function" then
      entry.slot = slots.slot(function(made) return answer(key, given(made)) end)
    elseif type(given) == "table" and given[1] ~= nil then
      errors.count(given, "test.http: the answers to '" .. key .. "'")
      entry.answers = {}
      for index, one in ipairs(given) do entry.answers[index] = answer(key, one) end
    else
      entry.answer = answer(key, given)
    end
    list[#list + 1] = entry
  end
  bridge.request("test.http", list, true)
  return objects.new(class, {})
end
