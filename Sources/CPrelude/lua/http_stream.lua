-- `aikit.http.stream`: an answer that is read while it comes, as chunks, as lines or as server-sent events.
local bridge, part = ...
local errors, objects = part "errors", part "objects"
local pcall, setmetatable, tonumber = pcall, setmetatable, tonumber
local byte, find, sub, concat = string.byte, string.find, string.sub, table.concat
local misuse = errors.misuse

-- The longest line, and the longest event: what sends more without a break is no text to be read by lines.
local LONGEST = 16 * 1024 * 1024

local methods = {}

--- The state of a stream: `{ number, head, over, as, step? }` besides the fields that scripts see.
local function state_of(stream, method)
  local state = objects.state(stream)
  if not state or not state.head then misuse("call it with a colon: answer:%s()", method) end
  return state
end

--- The next bytes; nil at the end.
local function read(state)
  if state.over then return nil end
  local answer = bridge.request("http.read", { stream = state.number })
  if answer.done then
    state.over = true
    return nil
  end
  return answer.data
end

local function close(state)
  if state.over then return end
  state.over = true
  -- Where nothing can wait, as in a coroutine that is closed, the end of the step closes it.
  pcall(bridge.request, "http.close", { stream = state.number })
end

--- What a generic `for` takes: the function, and what closes the stream when the loop is left.
local function loop(state, step)
  return step, nil, nil, setmetatable({}, { __close = function() close(state) end })
end

local function chunk_step(state)
  return function() return read(state) end
end

local function too_long(what)
  part("host").fail {
    code = "too_large", message = ("%s is longer than %d MiB"):format(what, LONGEST >> 20), retryable = false,
  }
end

--- Gives one line after the other, without its end: LF, CR LF or CR.
local function line_step(state)
  -- `text` from `from` on is what has been read and not given out; what came before it is in `parts`.
  local text, from = "", 1
  local parts, length, ended = {}, 0, false
  return function()
    while true do
      local at = find(text, "[\r\n]", from)
      -- A CR at the end of what has come may be half of a CR LF.
      if at and (byte(text, at) == 10 or at < #text or ended) then
        local line = sub(text, from, at - 1)
        from = at + (byte(text, at) == 13 and byte(text, at + 1) == 10 and 2 or 1)
        if parts[1] then
          parts[#parts + 1] = line
          line, parts, length = concat(parts), {}, 0
        end
        return line
      end
      if ended then
        local rest = concat(parts) .. sub(text, from)
        text, from, parts = "", 1, {}
        if rest ~= "" then return rest end
        return nil
      end
      local more = read(state)
      if not more then
        ended = true
      elseif at then
        text, from = sub(text, from) .. more, 1
      else
        parts[#parts + 1] = sub(text, from)
        length = length + #parts[#parts]
        if length > LONGEST then too_long("a line of the answer") end
        text, from = more, 1
      end
    end
  end
end

--- Gives one event after the other: `{ event, data, id?, retry? }`.
local function event_step(state)
  local next_line = line_step(state)
  local first, last_id = true, nil
  return function()
    local data, kind, retry, length = {}, nil, nil, 0
    while true do
      local line = next_line()
      if not line then return nil end
      if first then
        first = false
        if sub(line, 1, 3) == "\239\187\191" then line = sub(line, 4) end
      end
      if line == "" then
        if data[1] then
          return { event = kind or "message", data = concat(data, "\n"), id = last_id, retry = retry }
        end
        kind, retry = nil, nil
      else
        local colon = find(line, ":", 1, true)
        local field = colon and sub(line, 1, colon - 1) or line
        local value = ""
        if colon then value = sub(line, byte(line, colon + 1) == 32 and colon + 2 or colon + 1) end
        if field == "data" then
          data[#data + 1] = value
          length = length + #value
          if length > LONGEST then too_long("an event of the answer") end
        elseif field == "event" then
          kind = value ~= "" and value or nil
        elseif field == "id" then
          last_id = value
        elseif field == "retry" and find(value, "^%d+$") then
          retry = tonumber(value)
        end
      end
    end
  end
end

local STEPS = { chunks = chunk_step, lines = line_step, events = event_step }

--- Iterates over the bytes as they come.
function methods:chunks()
  local state = state_of(self, "chunks")
  return loop(state, chunk_step(state))
end

--- Iterates over the lines, without their ends.
function methods:lines()
  local state = state_of(self, "lines")
  return loop(state, line_step(state))
end

--- Iterates over server-sent events.
function methods:events()
  local state = state_of(self, "events")
  return loop(state, event_step(state))
end

--- All that is still to come.
function methods:text()
  local state = state_of(self, "text")
  local step, parts, length = chunk_step(state), {}, 0
  for chunk in step do
    parts[#parts + 1] = chunk
    length = length + #chunk
    if length > LONGEST then
      close(state)
      too_long("the answer")
    end
  end
  return concat(parts)
end

--- Ends the connection.
function methods:close() close(state_of(self, "close")) end

local FIELDS = { status = true, ok = true, headers = true, url = true, retry_after = true }

local class = objects.class("answer", methods, FIELDS, nil, {
  -- `for chunk in aikit.http.stream(…)`: as the option `as` says.
  __call = function(stream)
    local state = state_of(stream, "chunks")
    state.step = state.step or STEPS[state.as](state)
    return state.step()
  end,
  __close = function(stream) close(objects.state(stream)) end,
})

--- Makes the stream of an answer's head.
--
-- @param as what a loop over the stream itself gives: "chunks", "lines" or "events"
return function(head, as)
  return objects.new(class, {
    head = true, number = head.stream, as = as, status = head.status, ok = head.status >= 200 and head.status < 300,
    headers = head.headers, url = head.url, retry_after = head.retry_after,
  })
end
