-- Parts of a handler that run once for a start of their step, however often the handler itself runs.
local bridge = ...
local type = type
local request = bridge.request

local once = {}

--- What `body` gave when it ran to its end for this start of the step, now or in an earlier attempt or process.
--
-- `part` is `{ name = … }`, or `{ prefix = … }` for a name that the host numbers. The result is durable when this
-- returns, and it is the recorded one: what JSON does not tell apart is the same from the first time on.
function once.run(part, body)
  local found = request("once.begin", part)
  if found.is_recorded then return found.value end
  return request("once.record", { name = found.name, value = body() }).value
end

--- Checks what `context:once` was given.
function once.expect(name, body, misuse)
  if type(name) ~= "string" or name == "" or type(body) ~= "function" then
    misuse('context:once takes a name and a function: write context:once("charge", function() … end)')
  end
end

return once
