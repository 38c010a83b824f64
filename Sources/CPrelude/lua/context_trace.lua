-- Where a step stands in the trace of its run. The ids are those of the spans that are made of the run's journal.
local bridge, part = ...
local setmetatable, tonumber, type = setmetatable, tonumber, type
local concat, find, match, sub = table.concat, string.find, string.match, string.sub
local get = bridge.context_get

local trace = {}

local spans = setmetatable({}, { __mode = "k" })

--- The spans of a context: how many it has had (`count`), and the one that is under way (`open`).
function trace.spans(context)
  local own = spans[context] or { count = 0 }
  spans[context] = own
  return own
end

--- The first hexadecimal digits of the SHA-256 of texts with a zero byte between them.
local function digest(digits, ...) return sub(part("crypto").sha256(concat({ ... }, "\0")), 1, digits) end

--- The trace and the flags of a W3C `traceparent`; nil for other text.
local function read(text)
  local version, id, span, flags, rest = match(text, "^(%x%x)%-(%x+)%-(%x+)%-(%x%x)(.*)$")
  if not version or version == "ff" or #id ~= 32 or #span ~= 16 then return nil end
  if find(sub(text, 1, 55), "%u") or #text > 512 then return nil end
  if rest ~= "" and (version == "00" or sub(rest, 1, 1) ~= "-") then return nil end
  if find(id, "[^0]") and find(span, "[^0]") then return id, flags end
end

--- `context.trace`: the span of the step, or that of `context:span` around the call.
function trace.of(context)
  local run, traced = get(context, "run_id"), get(context, "traced")
  local given = type(traced) == "table" and traced.traceparent
  local id, flags = read(given or "")
  if not id then id, flags = digest(32, run), "01" end
  local span = digest(16, run, get(context, "path"), get(context, "attempt"), get(context, "occurrence"))
  local own = spans[context]
  if own and own.open then span = digest(16, span, own.open) end
  local sampled = tonumber(flags, 16) % 2 == 1 and "01" or "00"
  return { trace_id = id, span_id = span, traceparent = concat({ "00", id, span, sampled }, "-") }
end

return trace
