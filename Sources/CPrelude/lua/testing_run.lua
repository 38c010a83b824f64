-- `test.run` and `step:run`: whole workflows and single steps in the real engine, in virtual time.
--
-- The host starts a run and answers when it is over or waits for somebody; what it waits for is given here, so that an
-- answer may be a function of the test.
local bridge, part = ...
local errors, objects, mocks = part "errors", part "objects", part "testing_mocks"
local error, getmetatable, ipairs, pairs = error, getmetatable, ipairs, pairs
local setmetatable, tonumber, tostring, type = setmetatable, tonumber, tostring, type
local gsub, match = string.gsub, string.match
local misuse, request, dates = errors.misuse, bridge.request, part "dates"

local test = {}

local OPTIONS = { "input", "mocks", "answers", "signals", "metadata", "ctx", "clock" }

--- In `answers`: nobody answers or sends the event, and the time passes until the step's timeout.
test.nobody = objects.new(objects.class("answer", {}, {}), { text = "test.nobody" })

-- Time -------------------------------------------------------------------------------------------------------------

-- The end of the year 9999.
local LATEST = 253402300799999

--- Milliseconds since 1970 of a number of them, or of a text such as `2026-01-31T09:00:00Z`.
local function time_of(clock)
  if type(clock) == "number" and clock >= 0 and clock <= LATEST then return clock // 1 | 0 end
  local year, month, day, rest = match(type(clock) == "string" and clock or "", "^(%d%d%d%d)%-(%d%d)%-(%d%d)(.*)$")
  local hour, minute, second = match(rest or "", "^[T ](%d%d):(%d%d):(%d%d)Z?$")
  if not hour then hour, minute = match(rest or "", "^[T ](%d%d):(%d%d)Z?$") end
  local is_date = year and dates.exists(tonumber(year), tonumber(month), tonumber(day))
  local is_time = rest == "" or hour and tonumber(hour) < 24 and tonumber(minute) < 60 and (tonumber(second) or 0) < 60
  if not is_date or not is_time then
    misuse('clock takes milliseconds since 1970 or a text such as "2026-01-31T09:00:00Z", got %s', tostring(clock))
  end
  local seconds = (tonumber(hour) or 0) * 3600 + (tonumber(minute) or 0) * 60 + (tonumber(second) or 0)
  local time = (dates.days_of(tonumber(year), tonumber(month), tonumber(day)) * 86400 + seconds) * 1000 // 1 | 0
  if time < 0 or time > LATEST then misuse("clock takes a time from 1970 to 9999, got %s", clock) end
  return time
end

--- For the other parts of the library of tests.
test.time_of = time_of

-- Runs -------------------------------------------------------------------------------------------------------------

local methods = {}
local run_class = { __index = methods, __name = "run", __metatable = "run" }

-- What the script's side of a run keeps: its number in the host, and the answers that were given.
local HANDLE = setmetatable({}, { __mode = "k" })

local function update(run, state)
  for key in pairs(run) do run[key] = nil end
  for key, value in pairs(state.result) do run[key] = value end
  run.events, run.snapshots, run.waiting = state.events, state.snapshots, state.waiting
  run.deltas, run.usage = state.deltas, state.usage
  return run
end

--- The answer to a step that waits: by its path, its path without indexes, or its id.
local function answer_to(step, answers)
  local answer = answers[step.path]
  if answer == nil then answer = answers[(gsub(step.path, "%[%d+%]", ""))] end
  if answer == nil then answer = answers[step.stepId] end
  return answer
end

--- Whether time passes by itself: something waits for a time, and nothing for what the test may want to give.
local function time_passes(run, answers)
  local passes = false
  for _, step in ipairs(run.waiting) do
    if step.kind == "human" or step.kind == "wait_for" then
      if answer_to(step, answers) ~= test.nobody then return false end
    end
    passes = passes or step.hasTimeout
  end
  return passes
end

--- Gives answers until the run is over or waits for one that is not there.
local function settle(run)
  local handle = HANDLE[run]
  while true do
    -- An expectation in a mock is one of the test.
    if run.error and run.error.code == "expectation_failed" then
      local details = run.error.details or {}
      details.where = run.error.where
      error({ code = run.error.code, message = run.error.message, details = details }, 0)
    end
    local answered = false
    for _, step in ipairs(run.waiting) do
      local answer = step.kind == "human" and answer_to(step, handle.answers)
      if answer and answer ~= test.nobody then
        if type(answer) == "function" then answer = answer(step, run) end
        update(run, request("test.answer", { run = handle.number, path = step.path, data = answer }))
        answered = true
        break
      end
    end
    if not answered then
      if not time_passes(run, handle.answers) then return run end
      update(run, request("test.wait", { run = handle.number }))
    end
  end
end

--- The snapshot of a step by its path or its id, the last one where it ran more than once.
function methods:step(path)
  local found
  for _, snapshot in ipairs(self.snapshots) do
    if snapshot.path == path or snapshot.stepId == path then found = snapshot end
  end
  if not found then mocks.expect_step(mocks.definition[self], path, "the run") end
  return found
end

--- What the steps emitted under a name, as a list of payloads.
function methods:emitted(name)
  local list = {}
  for _, event in ipairs(self.events) do
    if event.type == "step:event" and event.data.name == name then list[#list + 1] = event.data.payload end
  end
  return list
end

--- The spans that have ended, as a list of `{ name, kind, status, message?, parent?, attributes, events }`.
function methods:spans() return request("test.spans", { run = HANDLE[self].number }) end

--- Answers the step that waits at a path, or the only one, and goes on until the run is over or waits again.
function methods:answer(path, data)
  if data == nil then path, data = nil, path end
  update(self, request("test.answer", { run = HANDLE[self].number, path = path, data = data }))
  return settle(self)
end

--- Sends a signal, and goes on until the run is over or waits again.
function methods:signal(event, payload)
  errors.expect(event, "string", 'run:signal("payment", { … })')
  update(self, request("test.signal", { run = HANDLE[self].number, event = event, payload = payload }))
  return settle(self)
end

local function start(definition, plan, options, mocked)
  for _, name in ipairs(errors.ordered_keys(options.answers or {})) do
    mocks.expect_step(definition, name, "answers")
  end
  local number = options.clock ~= nil and time_of(options.clock) or nil
  local signals = options.recorded_signals or {}
  for _, name in ipairs(errors.names(options.signals or {})) do
    signals[#signals + 1] = { event = name, payload = options.signals[name] }
  end
  local input = options.input
  if input == nil then input = {} end
  local state = request("test.start", {
    plan = plan, input = input, metadata = options.metadata, ctx = options.ctx, clock = number, signals = signals,
    mocked = mocked,
  })
  local run = setmetatable({}, run_class)
  HANDLE[run] = { number = state.run, answers = options.answers or {} }
  mocks.definition[run] = definition
  return settle(update(run, state))
end

local function options_of(options, names, what)
  if options == nil then return {} end
  if type(options) ~= "table" or objects.state(options) then
    misuse("%s takes a table of options, got %s", what, errors.kind(options))
  end
  for _, name in ipairs { "mocks", "answers", "signals" } do
    if options[name] ~= nil and type(options[name]) ~= "table" then
      misuse("%s: %s is a table by path or id, got %s", what, name, errors.kind(options[name]))
    end
  end
  return errors.known(options, names, what)
end

--- Has the host check a definition; the number of its plan.
local function commit(definition) return bridge.sync("commit", definition) end

local function run_workflow(workflow, options, is_recorded)
  local state = objects.state(workflow)
  if state and state.kind == "agent" then state = objects.state(part("builder").of_agent(workflow)) end
  if not state or not state.plan then
    misuse("test.run takes a workflow first, got %s: write test.run(workflow, { input = { … } })",
      errors.kind(workflow))
  end
  if not options.mocks then return start(state.definition, state.plan, options) end
  local definition, mocked = mocks.replaced(state.definition, options.mocks, is_recorded)
  return start(state.definition, commit(definition), options, mocked)
end

--- Runs a whole workflow in the real engine, in virtual time.
function test.run(workflow, options)
  return run_workflow(workflow, options_of(options, OPTIONS, "test.run"))
end

--- The same for a recording: its mocks end once, when they are to; `recorded_signals` is a list of
-- `{ event, payload }`.
function test.run_recorded(workflow, options) return run_workflow(workflow, options, true) end

local STEP_OPTIONS = { "mocks", "answers", "signals", "metadata", "ctx", "clock", "store" }

--- Runs one node alone, with its schemas: gives its output, or raises its error. The second result is the run.
local node_methods = part("nodes").methods

function node_methods:run(input, options)
  local state = objects.state(self)
  if not state then misuse("call it with a colon: step:run(input)") end
  options = options_of(options, STEP_OPTIONS, "step:run")
  local id = gsub(tostring(state.id), "[^%w%-_.\128-\255]", "-")
  local definition = part "definition"({ id = id }, { self }, state.where)
  -- Where it goes on is a matter of the workflow that it stands in.
  definition.nodes[1].next = nil
  if options.store then
    local entries = options.store
    table.insert(definition.nodes, 1, {
      kind = "step", id = "store of the test", handler = part("slots").slot(function(value, context)
        for key, item in pairs(entries) do context.store[key] = item end
        return value
      end),
    })
  end
  local original, mocked = definition, nil
  if options.mocks then definition, mocked = mocks.replaced(definition, options.mocks) end
  local own = {}
  for key, value in pairs(options) do own[key] = value end
  own.input = input
  local run = start(original, commit(definition), own, mocked)
  if run.status == "failed" then error(run.error, 0) end
  return run.result, run
end

errors.with_colon(methods, function(self) return HANDLE[self] ~= nil end, "run")

--- Whether the value is what test.run returned.
function test.is_run(value) return type(value) == "table" and getmetatable(value) == "run" end

return test
