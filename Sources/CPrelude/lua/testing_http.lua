-- `test.http`: answers for the requests of the test that runs. The host matches them; no request leaves the machine.
local bridge, part = ...
local errors, objects, slots = part "errors", part "objects", part "slots"
local ipairs, pairs, type = ipairs, pairs, type
local lower, match = string.lower, string.match
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
  errors.known(given, FIELDS, "test.http: the answer to '" .. key .. "'")
  if given.error ~= nil then return { error = errors.text(given.error) } end
  local headers, body = {}, given.body or ""
  for name, value in pairs(given.headers or {}) do headers[lower(name)] = value end
  if given.json ~= nil then
    body = bridge.encode_json(given.json)
    headers["content-type"] = headers["content-type"] or "application/json"
  end
  return { status = given.status or 200, headers = headers, body = body }
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
