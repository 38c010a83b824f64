-- Where a step stands in the trace of its run. The ids are those of the spans that are made of the run's journal.
local bridge, part = ...
local setmetatable, type = setmetatable, type
local concat, find, match, sub = table.concat, string.find, string.match, string.sub
local running = coroutine.running
local get = bridge.context_get

local trace = {}

local contexts = setmetatable({}, { __mode = "k" })

--- The innermost span of each coroutine, `{ own, index, outer, ended }`. One that is made begins with its maker's, so
-- that the functions of aikit.all have spans beside each other.
local innermost = setmetatable({}, { __mode = "k" })
bridge.inherit(innermost)

--- The first hexadecimal digits of the SHA-256 of a text.
local function digest(digits, text) return sub(part("crypto").sha256(text), 1, digits) end

--- What the spans of a context have in common: the number of the newest one (`count`), and the id of the step's span
-- (`id`) once somebody has asked for it.
local function of_context(context)
  local own = contexts[context] or { count = get(context, "first_span") }
  contexts[context] = own
  return own
end

--- The span and those around it, without those that have ended.
local function open(span)
  while span and span.ended do span = span.outer end
  return span
end

--- The innermost span of a context that is under way where this is called; nil for the step's.
local function around(own)
  local span = open(innermost[running()])
  while span and span.own ~= own do span = open(span.outer) end
  return span
end

--- Begins a span of a context: `{ index, parent }`.
function trace.begin(context)
  local own, here = of_context(context), running()
  local outer = around(own)
  own.count = own.count + 1
  local span = { own = own, index = own.count, parent = outer and outer.index, outer = open(innermost[here]) }
  innermost[here] = span
  return span
end

--- Ends the span that ``trace.begin`` gave; called by the coroutine that began it.
function trace.finish(span)
  span.ended = true
  innermost[running()] = open(span)
end

--- The trace of a W3C `traceparent`; nil for other text.
local function read(text)
  local version, id, span, rest = match(text, "^(%x%x)%-(%x+)%-(%x+)%-%x%x(.*)$")
  if not version or version == "ff" or #id ~= 32 or #span ~= 16 then return nil end
  if find(sub(text, 1, 55), "%u") or #text > 512 then return nil end
  if rest ~= "" and (version == "00" or sub(rest, 1, 1) ~= "-") then return nil end
  if find(id, "[^0]") and find(span, "[^0]") then return id end
end

--- `context.trace`: the span of the step, or that of `context:span` around the call.
function trace.of(context)
  local traced = get(context, "traced")
  -- A run that was taken from another one has left the trace of that one's caller.
  local given = type(traced) == "table" and traced[traced.run and "caller" or "traceparent"]
  local id = read(given or "") or digest(32, get(context, "run_id"))
  local own = of_context(context)
  own.id = own.id or digest(16, get(context, "span"))
  local inner = around(own)
  local span = inner and digest(16, own.id .. "\0" .. inner.index) or own.id
  local sampled = get(context, "sampled") and "01" or "00"
  return { trace_id = id, span_id = span, traceparent = concat({ "00", id, span, sampled }, "-") }
end

return trace
