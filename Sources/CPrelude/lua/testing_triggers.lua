-- `test.hook` and `test.schedule`: runs as webhooks and schedules begin them.
local bridge, part = ...
local errors, objects, run = part "errors", part "objects", part "testing_run"
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

--- Has a hook look at a request, as a server does when the signature fits.
--
-- The run that it starts and the id that it gives it; or `{ run_id, event, data }` of a hook that signals; `nil` when
-- nothing comes of the request.
function triggers.hook(workflow, id, options)
  local plan = plan_of(workflow, "hook")
  if type(id) == "table" and options == nil then id, options = nil, id end
  local own, rest = split(options, "hook")
  local headers = {}
  for name, value in pairs(own.headers or {}) do headers[lower(tostring(name))] = value end
  if own.body == nil and own.json ~= nil then own.body = part("host").json.encode(own.json) end
  local answer = request("test.hook", {
    plan = plan, hook = id, request = {
      method = own.method or "POST", path = own.path or "/hooks/" .. (id or ""), query = own.query or {},
      headers = headers, body = own.body or "", json = own.json,
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
  if type(id) == "table" and options == nil then id, options = nil, id end
  local _, rest = split(options, "schedule")
  local due = request("test.schedule", {
    plan = plan, schedule = id, after = rest.clock ~= nil and time_of(rest.clock) or nil,
  })
  if rest.input == nil then rest.input = due.input end
  rest.clock = due.time
  return run.run(workflow, rest)
end

return triggers
