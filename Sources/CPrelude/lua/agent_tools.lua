-- The calls of tools that a turn of an agent makes: a foreach over them, each run by the nodes of its tool.
local bridge, part = ...
local objects, nodes = part "objects", part "nodes"
local ipairs, next, tostring, type = ipairs, next, tostring, type

local agent_tools = {}

--- The case of the tools of a server.
function agent_tools.case_of_server(index, is_approved)
  return "mcp-" .. index .. (is_approved and "-approved" or "")
end

-- Under this key a call gives why its tool was not run.
local REFUSAL = "$refusal"

local function refuse(call)
  return { [REFUSAL] = call.refusal or "the call was not allowed" .. (call.reason and ": " .. call.reason or "") }
end

--- A step of the library's own, with what of the script stands behind it, whose changes change the step.
function agent_tools.step(config, source)
  local node = nodes.constructor "step"(config)
  objects.state(node).source = source
  return node
end

--- The nodes that run a tool; they get `{ arguments }`.
local function nodes_of(tool)
  local config, secrets = tool.config, part("secret_schemas").of_tool(tool)
  local step = nodes.constructor "step"
  if config.handler then
    local handler = config.handler
    return {
      agent_tools.step({
        id = tool.id, description = tool.description, role = "tool", output_schema = config.output_schema,
        secrets = secrets, retry = config.retry, timeout = config.timeout,
        handler = function(call, context) return handler(call.arguments, context) end,
      }, { handler = handler }),
    }
  end
  local body = { step { id = "arguments", secrets = secrets, handler = function(call) return call.arguments end } }
  local own = config.step
  if objects.state(own) or own[1] == nil then
    body[2] = own
  else
    for _, node in ipairs(own) do body[#body + 1] = node end
  end
  return body
end

--- The node that calls a tool of a server.
local function nodes_of_server(state)
  return {
    agent_tools.step({
      id = "mcp", description = "Call a tool of an MCP server", role = "tool",
      handler = function(call) return part("mcp").call(state, call.remote, call.arguments) end,
    }, { server = state.server }),
  }
end

--- Nodes of a tool behind a person, who sees the call and allows it or not.
local function approved(nodes_behind, id, description)
  local step = nodes.constructor "step"
  local boolean, text = { type = "boolean" }, { type = "string" }
  return {
    nodes.constructor "human" {
      id = "approve", description = "Allow the call of " .. id .. "?",
      output = function(call)
        return { tool = call.name, description = description, arguments = call.arguments }
      end,
      response_schema = {
        type = "object", properties = { approved = boolean, reason = text },
        required = part("host").array { "approved" },
      },
    },
    step {
      id = "decide",
      handler = function(reply)
        local call = bridge.request("enclosing").input
        return {
          is_approved = reply.approved, reason = reply.reason, id = call.id, name = call.name,
          arguments = call.arguments, remote = call.remote,
        }
      end,
    },
    nodes.constructor "branch" {
      id = "decision", resolve = function(call) return call.is_approved and "yes" or "no" end,
      cases = { yes = nodes_behind, no = { step { id = "refuse", handler = refuse } } },
    },
  }
end

--- Why a call's tool was not run; nil for what a tool gave, whatever it has besides.
local function refusal_of(output)
  if type(output) ~= "table" or next(output) ~= REFUSAL or next(output, REFUSAL) ~= nil then return nil end
  return type(output[REFUSAL]) == "string" and output[REFUSAL] or nil
end

--- What the model is told of a call.
local function result_of(call, output, failure)
  local message = { role = "tool", tool_call_id = call.id, name = call.name }
  local refusal = refusal_of(output)
  if failure then
    message.content, message.is_error = "error: " .. tostring(failure.message), true
  elseif refusal then
    message.content, message.is_error = "error: " .. refusal, true
  else
    message.content = type(output) == "string" and output or bridge.encode_json(output)
  end
  return message
end

--- The foreach over the calls of a turn, each behind the branch that finds its tool.
function agent_tools.node(own)
  local step = nodes.constructor "step"
  local cases = {}
  for _, tool in ipairs(own.tools) do
    local body = nodes_of(tool)
    cases[tool.id] = own.approves(tool.id) and approved(body, tool.id, tool.description) or body
  end
  for index, state in ipairs(own.servers) do
    cases[agent_tools.case_of_server(index)] = nodes_of_server(state)
    if own.config.approve then
      cases[agent_tools.case_of_server(index, true)] = approved(nodes_of_server(state), "an MCP server's tool")
    end
  end
  local goes_on = own.config.on_tool_error ~= "fail"
  return nodes.constructor "foreach" {
    id = "tools", concurrency = own.config.tool_concurrency or 4, on_error = goes_on and "continue" or nil,
    items = function(turn) return turn.calls or {} end,
    step = nodes.constructor "branch" {
      id = "call", resolve = function(call) return call.tool end, cases = cases,
      otherwise = { step { id = "refuse", handler = refuse } },
    },
    collect = function(outputs, context, failures)
      local turn, failed = context.input, {}
      for _, failure in ipairs(failures or {}) do failed[failure.index] = failure end
      if turn.calls then turn.results = {} end
      for index, call in ipairs(turn.calls or {}) do
        turn.results[index] = result_of(call, outputs[index], failed[index])
      end
      return turn
    end,
  }
end

return agent_tools
