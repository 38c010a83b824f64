-- The chain `aikit.workflow{…}:step(…)…:commit()` and what comes out of it.
local bridge, part = ...
local errors, objects, nodes = part "errors", part "objects", part "nodes"
local error, ipairs, pairs, pcall = error, ipairs, pairs, pcall
local tostring, type = tostring, type
local format, gsub, match = string.format, string.gsub, string.match
local misuse = errors.misuse

local builder = { chain = {}, committed = {} }
local chain, committed = builder.chain, builder.committed

local builder_class = objects.class("workflow", chain, { id = true, description = true })
local workflow_class = objects.class("committed workflow", committed, { id = true, description = true },
  "; it was fixed by :commit()")

local function open_state(self, method)
  local state = objects.state(self, builder_class)
  if not state then
    misuse("call it with a colon on a workflow: workflow:%s(…)", method)
  elseif state.committed then
    misuse("workflow '%s' is committed: :%s() must come before :commit()", tostring(state.id), method)
  end
  return state
end

for kind in pairs(nodes.kinds) do
  chain[kind] = function(self, value)
    local state = open_state(self, kind)
    state.children[#state.children + 1] = nodes.accept(kind, value)
    return self
  end
end

--- Checks the whole workflow in the host and returns it, never to change again.
function chain:commit()
  local state = open_state(self, "commit")
  local definition = part "definition"(state.config, state.children, state.where)
  local ok, plan = pcall(bridge.sync, "commit", definition)
  if not ok then
    -- A value that cannot cross to the host is told with its path, but not with its line.
    if type(plan) == "table" and plan.code == "invalid_argument" then
      errors.blame(state.where)
      local message = gsub(plan.message, "^commit%.?", "")
      -- What is wrong with the whole has no path.
      if match(message, "^%s") then message = format("workflow '%s'%s", tostring(state.id), message) end
      misuse("%s", message)
    end
    error(plan, 0)
  end
  state.committed = true
  return objects.new(workflow_class, {
    kind = "workflow", id = state.id, description = state.config.description,
    definition = definition, plan = plan, where = state.where,
  })
end

local function copy(value)
  if type(value) ~= "table" then return value end
  local result = {}
  for key, item in pairs(value) do result[key] = copy(item) end
  return result
end

--- The workflow's definition as a table of your own: its nodes, their bodies, and where each was written.
function committed:inspect()
  local state = objects.state(self, workflow_class)
  if not state then misuse("call it with a colon on a workflow: workflow:inspect()") end
  return copy(state.definition)
end

--- `aikit.workflow{…}`: the start of a chain.
function builder.workflow(config)
  errors.no_colon(config, "workflow")
  if type(config) ~= "table" or objects.state(config) then
    misuse("aikit.workflow takes one table, got %s: write aikit.workflow { id = \"…\" }", errors.kind(config))
  end
  local own = {}
  for key, value in pairs(config) do own[key] = value end
  return objects.new(builder_class, {
    kind = "builder", id = own.id, description = own.description, config = own, children = {}, where = bridge.where(1),
  })
end

--- The workflow of one step that an agent is by itself.
function builder.of_agent(agent)
  local state = objects.state(agent)
  errors.blame(state.where)
  local flow = builder.workflow { id = state.id, description = state.description }:step(agent):commit()
  errors.blame(nil)
  return flow
end

local function plan_of(value, whence)
  local state = objects.state(value)
  if state and state.plan then return state end
  if state and state.kind == "builder" and state.committed then
    errors.fail("workflow '%s' was committed, but the script returns what :commit() was called on; :commit() gives the "
      .. "workflow: write return flow:commit()", tostring(state.id))
  elseif state and state.kind == "builder" then
    errors.fail("workflow '%s' was not committed; end the chain with :commit()", tostring(state.id))
  elseif state and state.kind == "agent" then
    return objects.state(builder.of_agent(value))
  elseif state and state.kind then
    errors.fail("%s is a %s, not a workflow; put it into one: return aikit.workflow { id = \"…\" }:step(…):commit()",
      whence, state.kind)
  end
  errors.fail("%s is %s, not a workflow; end the script with `return aikit.workflow { … } … :commit()`",
    whence, errors.kind(value))
end

--- What a script's main chunk returned, as a list of plan ids: one workflow, or a table of them.
--
-- The host calls it once for each script that it loads.
function builder.collect(returned)
  if returned == nil then
    errors.fail("the script returns nothing; end it with `return aikit.workflow { … } … :commit()`")
  elseif type(returned) ~= "table" or objects.state(returned) then
    return { plan_of(returned, "what the script returns").plan }
  end
  local plans, seen = {}, {}
  for _, key in ipairs(errors.ordered_keys(returned)) do
    local name = type(key) == "string" and key or format("[%s]", tostring(key))
    local state = plan_of(returned[key], format("'%s' of the table that the script returns", name))
    if seen[state.id] then errors.fail("the script returns two workflows with the id '%s'", tostring(state.id)) end
    seen[state.id] = true
    plans[#plans + 1] = state.plan
  end
  if #plans == 0 then errors.fail("the script returns an empty table; return one workflow or a list of them") end
  return plans
end

return builder
