-- `test.replay`: a recorded run against the code as it is now. The recording's results stand in for the steps, and the
-- first path on which the two differ fails the test. The host reads the fixture; its type says what is in one.
local bridge, part = ...
local compare, errors, text = part "testing_compare", part "errors", part "testing_text"
local objects = part "objects"
local error, ipairs, pairs, type = error, ipairs, pairs, type
local format = string.format
local misuse, run_recorded = errors.misuse, part("testing_run").run_recorded

local function differ(message, differences)
  error({
    code = "expectation_failed", message = message,
    details = differences and #differences > 0 and { differences = differences, more = 0 } or nil,
  }, 0)
end

--- The recorded starts of each path, in order.
local function by_path(steps)
  local lists = {}
  for _, step in ipairs(steps) do
    lists[step.path] = lists[step.path] or {}
    table.insert(lists[step.path], step)
  end
  return lists
end

local function is_live(step, live)
  if type(live) ~= "table" then return live == true end
  for _, name in ipairs(live) do
    if name == step.path or name == step.stepId then return true end
  end
  return false
end

--- Longer than any run lasts.
local FOR_EVER = "3650d"

--- Waits until the step is to end as it did. What ended within a millisecond ended in an order too.
local function await_end(recorded, origin)
  if recorded.status == "cancelled" then return bridge.request("sleep", FOR_EVER) end
  if not recorded.finishedAt or not recorded.ended then return end
  local left = recorded.finishedAt - origin.recorded + recorded.ended - (bridge.now() - origin.now)
  if left > 0 then bridge.request("sleep", format("%dms", left)) end
end

--- A mock for each recorded step that is not to run: it gives what was recorded, start by start.
local function mocks_of(fixture, live)
  local mocks = {}
  local now = fixture.startedAt or bridge.now()
  local origin = { recorded = fixture.startedAt or 0, now = now }
  for path, starts in pairs(by_path(fixture.steps)) do
    if (starts[1].kind or "step") == "step" and not is_live(starts[1], live) then
      mocks[path] = function(_, context)
        local recorded = starts[math.min(context.occurrence, #starts)]
        await_end(recorded, origin)
        if recorded.error then error(recorded.error, 0) end
        return recorded.output
      end
    end
  end
  return mocks
end

--- The recorded answers to the steps that the workflow still has.
local function answers_of(fixture, workflow)
  local state, answers = objects.state(workflow), {}
  for path, starts in pairs(by_path(fixture.steps)) do
    local count = 0
    local is_left = state and state.definition and part("testing_mocks").has(state.definition, path)
    local kind = starts[1].kind
    if is_left and (kind == "human" or kind == "wait_for") and starts[1].status ~= "success" then
      -- Nobody answered, or the event did not come, in time or before it was cancelled.
      answers[path] = part("testing_run").nobody
    elseif is_left and kind == "human" then
      answers[path] = function()
        count = count + 1
        return starts[math.min(count, #starts)].output
      end
    end
  end
  return answers
end

--- Compares one start of a step with the recorded one.
local function compare_step(recorded, step)
  local inputs = compare.differences(recorded.input, step.input)
  if #inputs > 0 then differ(format("'%s' got another input than in the recording", recorded.path), inputs) end
  if recorded.branchId ~= step.branchId then
    differ(format("'%s' chose %s, in the recording %s", recorded.path, text.of(step.branchId),
      text.of(recorded.branchId)))
  end
  if recorded.status ~= step.status then
    differ(format("'%s' ended as %s, in the recording as %s", recorded.path, step.status, recorded.status))
  end
  local outputs = compare.differences(recorded.output, step.output)
  if #outputs > 0 then differ(format("'%s' gave another output than in the recording", recorded.path), outputs) end
end

--- Fails at the first recorded step that went otherwise, then at the first that the recording does not have.
local function compare_runs(fixture, run)
  local ran, taken, previous = by_path(run.snapshots), {}, nil
  for _, recorded in ipairs(fixture.steps) do
    local path = recorded.path
    taken[path] = (taken[path] or 0) + 1
    local step = ran[path] and ran[path][taken[path]]
    if not step then
      differ(format("'%s' did not run; in the recording it ran %s", path,
        previous and "after '" .. previous .. "'" or "first"))
    end
    compare_step(recorded, step)
    previous = path
  end
  local seen = {}
  for _, step in ipairs(run.snapshots) do
    seen[step.path] = (seen[step.path] or 0) + 1
    if seen[step.path] > (taken[step.path] or 0) then
      differ(format("'%s' ran; in the recording it did not", step.path))
    end
  end
  if fixture.status ~= run.status then
    differ(format("the run ended as %s, the recording as %s", run.status, fixture.status))
  end
  local results = compare.differences(fixture.result, run.result)
  if #results > 0 then differ("the result is another than in the recording", results) end
end

--- Runs a workflow on a recorded run, and fails where the two differ first.
return function(workflow, fixture, options)
  options = options == nil and {} or errors.known(options, { "live" }, "test.replay")
  if type(fixture) == "string" then fixture = bridge.request("test.fixture", fixture) end
  if type(fixture) ~= "table" or type(fixture.steps) ~= "table" then
    misuse('test.replay takes the file of a recorded run second: write test.replay(workflow, "fixtures/RUN.json")')
  end
  local result = run_recorded(workflow, {
    input = fixture.input, metadata = fixture.metadata, ctx = fixture.ctx, clock = fixture.startedAt,
    mocks = mocks_of(fixture, options.live), answers = answers_of(fixture, workflow),
    recorded_signals = fixture.signals,
  })
  compare_runs(fixture, result)
  return result
end
