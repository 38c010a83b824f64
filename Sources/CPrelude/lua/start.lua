-- Runs of other workflows that a handler starts.
local bridge, part = ...
local errors, objects = part "errors", part "objects"
local type = type
local misuse, request = errors.misuse, bridge.request

local OPTIONS = { "id", "wait", "on_parent_end" }
local ENDS = { cancel = true, leave = true }
local EXAMPLE = 'write aikit.start("invoice", { order = 7 }, { wait = true })'

--- The id of a workflow, given by it or as the workflow itself, and whether it is the latter.
local function id_of(workflow)
  if type(workflow) == "string" and workflow ~= "" then return workflow, false end
  local state = objects.state(workflow)
  if not state or state.kind ~= "workflow" or not state.definition then
    misuse("aikit.start takes the id of a workflow, or a committed workflow, got %s: %s", errors.kind(workflow),
      EXAMPLE)
  end
  return state.id, true
end

local function check(options)
  if type(options) ~= "table" then
    misuse("aikit.start takes a table of options after the input, got %s: %s", errors.kind(options), EXAMPLE)
  end
  errors.known(options, OPTIONS, "aikit.start")
  local id, wait, ending = options.id, options.wait, options.on_parent_end
  if id ~= nil and (type(id) ~= "string" or id == "") then
    misuse("aikit.start: `id` takes the id of the run that is started, got %s", errors.kind(id))
  elseif wait ~= nil and type(wait) ~= "boolean" then
    misuse("aikit.start: `wait` takes true or false, got %s", errors.kind(wait))
  elseif ending ~= nil and not ENDS[ending] then
    misuse('aikit.start: `on_parent_end` takes "cancel" or "leave", got %s', errors.kind(ending))
  end
  return options
end

--- Starts a run of a workflow once for this start of the step; its id, or with `wait` what it gives.
return function(workflow, input, options)
  local id, is_own = id_of(workflow)
  options = check(options == nil and {} or options)
  local found = request("once.begin", { prefix = "start" })
  local child = found.value
  if not found.is_recorded then
    child = request("run.start", {
      name = found.name, workflow = id, own = is_own, input = input, id = options.id,
      leaves = options.on_parent_end == "leave",
    })
    request("once.record", { name = found.name, value = child })
  end
  if not options.wait then return child.run end
  return request("run.wait", child)
end
