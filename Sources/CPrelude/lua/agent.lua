-- `aikit.agent`: a loop of turns, each a call of the model and a foreach over the tools that it calls.
--
-- An agent is made of the nodes that there are, so each of its calls has a path, events and a place in the journal, and
-- is not made again after a crash. What a turn gives holds only what is new in it; the messages of all turns together
-- are what the model is asked with.
local bridge, part = ...
local errors, objects, nodes = part "errors", part "objects", part "nodes"
local checked, model, tools, answers = part "checked", part "model", part "tool", part "model_answer"
local tool_calls = part "agent_tools"
local concat, error, ipairs, next, pcall = table.concat, error, ipairs, next, pcall
local tostring, type = tostring, type
local format, misuse = string.format, errors.misuse

local FIELDS = {
  id = "text", description = "text", model = "table", instructions = "any", prompt = "any", tools = "table",
  tool_concurrency = "count", tool_choice = "text", approve = "any", output_schema = "table", parameters = "table",
  max_turns = "count", budget = { tokens = "count", cost = "number", time = "duration" },
  on_limit = { "fail", "stop" }, on_tool_error = { "tell", "fail" }, repair = "whole", stream = "boolean",
  retry = "table", telemetry = "any",
}

local MAX_TURNS = 12

local agent = {}
local class = objects.class("agent", nodes.methods, { id = true, kind = true, description = true },
  "; aikit.clone_step(agent, { … }) makes a changed copy")

-- What the model is asked ------------------------------------------------------------------------------------------

--- The text of `instructions` or of `prompt`, which may be a function.
local function said(own, key, input, context)
  local value = own.config[key]
  if type(value) == "function" then return value(input, context) end
  return value
end

local function instructions_of(own, input, context)
  local text = said(own, "instructions", input, context)
  if text ~= nil and type(text) ~= "string" then
    errors.fail("agent '%s': `instructions` gives %s, not text", own.id, errors.kind(text))
  end
  local list = { text }
  if own.format and own.format.text then list[#list + 1] = own.format.text end
  return list[1] and concat(list, "\n\n")
end

--- The messages that an agent begins with.
local function opening_of(own, input, context)
  local prompt = said(own, "prompt", input, context)
  if prompt == nil then
    prompt = input
    if type(input) == "table" then prompt = input.messages or input.prompt end
  end
  if prompt == nil then
    errors.fail("agent '%s' has nothing to ask: give it `prompt`, or an input with `prompt` or `messages`", own.id)
  end
  local list = { { role = "system", content = instructions_of(own, input, context) } }
  if list[1].content == nil then list = {} end
  for _, message in ipairs(model.messages(prompt, "agent '" .. own.id .. "'")) do list[#list + 1] = message end
  return list
end

--- All messages of the turns so far.
local function messages_of(opening, turns)
  local list = {}
  for index, message in ipairs(opening) do list[index] = message end
  for _, turn in ipairs(turns) do
    list[#list + 1] = turn.message
    for _, result in ipairs(turn.results or {}) do list[#list + 1] = result end
    list[#list + 1] = turn.complaint
  end
  return list
end

-- Limits -----------------------------------------------------------------------------------------------------------

--- How many seconds the budgets of time leave, those of agents around this one included, and the budget that leaves the
--- least; nil for any.
local function time_left(around)
  local least, its
  for _, entry in ipairs(around.budgets) do
    if entry.began and entry.budget.time then
      local left = entry.budget.time - (bridge.now() - entry.began) / 1000
      if not least or left < least then least, its = left, entry end
    end
  end
  return least, its
end

local function too_late(entry)
  return format("agent '%s' has taken longer than its budget of %g s", entry.id, entry.budget.time)
end

--- Which limit keeps the agent from another turn: a name, and what to say; nil for none.
local function limit_of(own, around, turns)
  if #turns >= own.max_turns then
    return "turns", format("agent '%s' took %d turns, as many as `max_turns` allows", own.id, #turns)
  end
  for _, entry in ipairs(around.budgets) do
    local used = entry.usage.input_tokens + entry.usage.output_tokens
    if entry.budget.tokens and used >= entry.budget.tokens then
      return "tokens", format("agent '%s' has used %d tokens; its budget is %d", entry.id, used, entry.budget.tokens)
    elseif entry.budget.cost and entry.usage.cost >= entry.budget.cost then
      return "cost", format("agent '%s' has cost %.4f; its budget is %.4f", entry.id, entry.usage.cost,
        entry.budget.cost)
    end
  end
  local left, entry = time_left(around)
  if left and left <= 0 then return "time", too_late(entry) end
end

local function reached(own, limit, message, turns)
  if own.config.on_limit == "stop" then
    return { is_done = true, limit = limit, finish_reason = "limit" }
  end
  return part("host").fail {
    code = "agent_limit", message = message, retryable = false, details = { limit = limit, turns = #turns },
  }
end

-- A turn -----------------------------------------------------------------------------------------------------------

--- The calls of tools in an answer: which tool, with which arguments, or why it is refused.
--
-- @param served the tools that servers were found to have
local function calls_of(own, answer, served)
  local calls = {}
  for index, asked in ipairs(answer.tool_calls) do
    local tool, remote = own.by_id[asked.name], nil
    for _, spec in ipairs(served or {}) do
      if spec.name == asked.name then remote = spec end
    end
    local call = { id = asked.id, name = asked.name }
    if tool then
      call.arguments, call.refusal = tools.arguments(tool, asked.arguments)
      if not call.refusal then call.tool = tool.id end
    elseif remote then
      call.arguments, call.refusal = tools.arguments({}, asked.arguments)
      call.remote = remote.tool
      if not call.refusal then call.tool = tool_calls.case_of_server(remote.server, own.approves(asked.name)) end
    else
      local known = {}
      for _, one in ipairs(own.tools) do known[#known + 1] = one.id end
      for _, one in ipairs(served or {}) do known[#known + 1] = one.name end
      call.refusal = format("there is no tool '%s'%s", asked.name,
        known[1] and "; there are " .. concat(known, ", ") or "")
    end
    calls[index] = call
  end
  return calls
end

--- What the answer of the last turn means for an agent with a schema.
local function settle(own, turn, answer, turns)
  local ok, value = answers.fit(answer.text, own.schema, own.format)
  if ok then
    turn.is_done, turn.output = true, value
    return
  end
  local complaints = 0
  for _, earlier in ipairs(turns) do
    if earlier.complaint then complaints = complaints + 1 end
  end
  if complaints >= own.repair then
    part("host").fail {
      code = "invalid_answer", message = format("the answer of agent '%s' does not fit: %s", own.id, value),
      retryable = false, details = { answer = answer.text },
    }
  end
  turn.complaint = { role = "user", content = answers.complaint(value) }
end

--- The tools that the model is told of.
local function specs_of(own, served)
  if not served then return own.specs end
  local specs = {}
  for _, spec in ipairs(own.specs or {}) do specs[#specs + 1] = spec end
  for _, spec in ipairs(served) do
    specs[#specs + 1] = { name = spec.name, description = spec.description, schema = spec.schema }
  end
  return specs[1] and specs
end

--- The handler of a turn's model step.
local function take_turn(own, context)
  local around = bridge.request "enclosing"
  local turns = around.results
  local limit, message = limit_of(own, around, turns)
  if limit then return reached(own, limit, message, turns) end

  local first = turns[1]
  local opening = first and first.opening or opening_of(own, around.input, context)
  -- What servers offer is found out once, so that all turns have the same tools, and after a crash too.
  local served = first and first.served
  if not first and own.servers[1] then
    served = part("mcp").specs(own.servers, own.by_id, "agent '" .. own.id .. "'")
  end
  local left, entry = time_left(around)
  local ok, answer = pcall(model.ask, own.model, {
    messages = messages_of(opening, turns), tools = specs_of(own, served), tool_choice = own.config.tool_choice,
    output_schema = own.format and own.format.schema, output_name = own.id:gsub("[^%w_%-]", "_"),
    parameters = own.config.parameters, stream = own.config.stream ~= false, time_left = left,
    secrets = part("secret_schemas").with_served(own.secrets, served),
  })
  if not ok then
    if type(answer) == "table" and answer.code == "model_too_late" then
      return reached(own, "time", too_late(entry), turns)
    end
    error(answer, 0)
  end
  local turn = {
    message = answer.message, finish_reason = answer.finish_reason, usage = answer.usage, reasoning = answer.reasoning,
  }
  if not first then turn.opening, turn.served = opening, served end
  if #answer.tool_calls > 0 then
    turn.calls = calls_of(own, answer, served)
  elseif own.schema then
    settle(own, turn, answer, turns)
  else
    turn.is_done = true
  end
  return turn
end

-- The whole --------------------------------------------------------------------------------------------------------

--- What an agent gives, of its turns.
local function output_of(own, turns, context)
  local last, opening = turns[#turns], turns[1] and turns[1].opening or {}
  local calls, text = #turns, ""
  if last.limit then calls = calls - 1 end
  for _, turn in ipairs(turns) do
    if turn.message then text = turn.message.content end
  end
  local usage = bridge.request("enclosing").usage
  local messages = messages_of(opening, turns)
  if not own.schema then
    return { text = text, finish_reason = last.finish_reason, turns = calls, usage = usage, messages = messages }
  end
  context:update_metadata { [own.id] = { finish_reason = last.finish_reason, turns = calls, usage = usage } }
  return last.output
end

local function approvals(config)
  local given, named = config.approve, {}
  if type(given) == "boolean" or given == nil then return function() return given == true end, named end
  if type(given) ~= "table" then
    misuse("aikit.agent: `approve` takes a list of ids of tools, or true for all, got %s", errors.kind(given))
  end
  errors.count(given, "aikit.agent: `approve`")
  for _, id in ipairs(given) do named[id] = true end
  return function(id) return named[id] == true end, named
end

--- What an agent is, of the table that describes it.
local function read(config)
  checked.options(config, FIELDS, "aikit.agent")
  if not config.id then misuse('aikit.agent needs an id: write aikit.agent { id = "triage", … }') end
  local own = { id = config.id, config = config, model = model.state(config.model) }
  if not own.model then
    misuse("agent '%s' needs a model: write model = aikit.model { … }, got %s", config.id, errors.kind(config.model))
  end
  for _, key in ipairs { "instructions", "prompt" } do
    local value, kind = config[key], type(config[key])
    if value ~= nil and kind ~= "string" and kind ~= "function" and (kind ~= "table" or key == "instructions") then
      misuse("agent '%s': `%s` takes text or a function, got %s", config.id, key, errors.kind(value))
    end
  end
  own.tools, own.by_id, own.servers = tools.list(config.tools, "agent '" .. config.id .. "'")
  local named
  own.approves, named = approvals(config)
  for id in errors.each(named) do
    -- What servers offer is not known yet.
    if not own.by_id[id] and not own.servers[1] then
      misuse("agent '%s': `approve` names '%s', which is no tool of it%s", config.id, tostring(id),
        errors.hint(id, errors.names(own.by_id)))
    end
  end
  for index, tool in ipairs(own.tools) do
    own.specs = own.specs or {}
    own.specs[index] = tools.spec(tool)
  end
  if config.output_schema then
    own.schema = answers.expect_schema(config.output_schema, "output_schema = s.object { … }")
    own.format = answers.format(own.schema, own.model.structured_output)
  end
  own.secrets = part("secret_schemas").of_answers(own.schema, own.format, own.tools)
  own.max_turns, own.repair = config.max_turns or MAX_TURNS, config.repair or 2
  return own
end

--- The loop that an agent is.
local function loop_of(own)
  local body = {
    tool_calls.step({
      id = "model", role = "model", retry = own.config.retry, secrets = own.secrets,
      handler = function(_, context) return take_turn(own, context) end,
    }, {
      config = own.config, model = own.model.asked, tools = own.specs,
      schema = own.schema and (part "compile"(own.schema)),
    }),
  }
  if next(own.by_id) or own.servers[1] then body[2] = tool_calls.node(own) end
  local budget = own.config.budget
  return nodes.constructor "loop" {
    id = own.id, description = own.config.description, role = "agent", telemetry = own.config.telemetry,
    budget = budget and {
      tokens = budget.tokens, cost = budget.cost, time = budget.time and checked.seconds(budget.time),
    },
    -- One more than it may take: the one in which the limit is found out.
    max_iterations = own.max_turns + 1,
    condition = function(current, context) return context.iteration == 1 or not current.is_done end,
    step = body,
    collect = function(turns, context) return output_of(own, turns, context) end,
  }
end

--- `aikit.agent {…}`: a node that stands wherever a step does, and is a workflow by itself where a script returns it.
function agent.new(config)
  errors.no_colon(config, "agent")
  if type(config) ~= "table" or objects.state(config) then
    misuse("aikit.agent takes one table, got %s: write aikit.agent { id = \"…\", model = … }", errors.kind(config))
  end
  local own = read(checked.copy(config))
  return objects.new(class, {
    kind = "agent", id = own.id, description = config.description, config = own.config, node = loop_of(own),
    where = bridge.where(1),
  })
end

return agent
