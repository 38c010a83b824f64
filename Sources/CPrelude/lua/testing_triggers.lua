-- `test.hook` and `test.schedule`: runs as webhooks and schedules begin them.
local bridge, part = ...
local errors, objects, run = part "errors", part "objects", part "testing_run"
local number_text = part("number_text").data
local ipairs, pairs, tostring, type = ipairs, pairs, tostring, type
local lower = string.lower
local misuse, request, time_of = errors.misuse, bridge.request, run.time_of

local triggers = {}

local REQUEST = { "method", "path", "query", "headers", "body", "json" }

local function plan_of(workflow, call)
  local state = objects.state(workflow)
  if not state or not state.plan then
    misuse("test.%s takes a workflow first, got %s", call, errors.kind(workflow))
  end
  return state.plan
end

--- What is left of the options for `test.run`, with the parts of the request apart from it.
local function split(options, call)
  if options == nil then return {}, {} end
  if type(options) ~= "table" or objects.state(options) then
    misuse("test.%s takes a table of options, got %s", call, errors.kind(options))
  end
  local own, rest = {}, {}
  for key, value in pairs(options) do rest[key] = value end
  for _, key in ipairs(REQUEST) do own[key], rest[key] = rest[key], nil end
  return own, rest
end

--- Names with texts of a request, as a client sends them; numbers and booleans are written out.
local function texts(given, option, change)
  local list = {}
  if given == nil then return list end
  if type(given) ~= "table" or objects.state(given) then
    misuse("test.hook: %s takes a table of names and texts, got %s", option, errors.kind(given))
  end
  for name, value in pairs(given) do
    local kind = type(value)
    if type(name) ~= "string" or kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
      misuse("test.hook: %s takes names and texts, got %s for '%s'", option, errors.kind(value), tostring(name))
    end
    list[change and change(name) or name] = kind == "number" and number_text(value) or tostring(value)
  end
  return list
end

--- A text among the options.
local function text(given, option)
  if given ~= nil and type(given) ~= "string" then
    misuse("test.hook: %s takes a string, got %s", option, errors.kind(given))
  end
  return given
end

--- The id and the options of a call; the id may be left out.
local function arguments(id, options, call)
  if type(id) == "table" and options == nil then id, options = nil, id end
  if id ~= nil and type(id) ~= "string" then
    misuse("test.%s takes the %s's id after the workflow, got %s", call, call, errors.shown(id))
  end
  return id, options
end

--- Has a hook look at a request, as a server does when the signature fits.
--
-- The run that it starts and the id that it gives it; or `{ run_id, event, data }` of a hook that signals; `nil` when
-- nothing comes of the request.
function triggers.hook(workflow, id, options)
  local plan = plan_of(workflow, "hook")
  id, options = arguments(id, options, "hook")
  local own, rest = split(options, "hook")
  local body = text(own.body, "body")
  if own.json ~= nil then
    if body then misuse "test.hook takes body or json, not both" end
    body = part("host").json.encode(own.json)
  end
  local answer = request("test.hook", {
    plan = plan, hook = id, request = {
      method = text(own.method, "method") or "POST", path = text(own.path, "path") or "/hooks/" .. (id or ""),
      query = texts(own.query, "query"), headers = texts(own.headers, "headers", lower), body = body or "",
    },
  })
  if answer.ignored then return nil end
  if answer.event then return { run_id = answer.runId, event = answer.event, data = answer.data } end
  rest.input = answer.input
  return run.run(workflow, rest), answer.runId
end

--- Runs a workflow as its schedule begins it, at the first time after `options.clock`, or after now.
function triggers.schedule(workflow, id, options)
  local plan = plan_of(workflow, "schedule")
  id, options = arguments(id, options, "schedule")
  local _, rest = split(options, "schedule")
  local due = request("test.schedule", {
    plan = plan, schedule = id, after = rest.clock ~= nil and time_of(rest.clock) or nil,
  })
  if rest.input == nil then rest.input = due.input end
  rest.clock = due.time
  return run.run(workflow, rest)
end

return triggers
