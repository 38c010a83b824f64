-- A bridge in Lua, so that the library runs under a plain interpreter: what it asks of the host is recorded or answered
-- from tables that a test sets.
local here = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local library = here .. "../../Sources/CPrelude/lua/"

local function read(name)
  local file = assert(io.open(library .. name .. ".lua", "rb"), "no part '" .. name .. "'")
  local text = file:read "a"
  file:close()
  return text
end

local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local above = row[j]
      local change = a:byte(i) == b:byte(j) and 0 or 1
      row[j] = math.min(above + 1, row[j - 1] + 1, diagonal + change)
      diagonal = above
    end
  end
  return row[#b]
end

local function readonly(value, name)
  return setmetatable({}, {
    __index = value,
    __newindex = function() error(name .. " is read-only", 2) end,
    __pairs = function() return pairs(value) end,
  })
end

--- A new bridge with the library loaded over it: `bridge.aikit`, and what happened in `bridge.plans`, `.effects` ….
return function()
  local bridge = {
    -- Any userdata will do.
    null = io.stdout, array_metatable = { __metatable = "array" },
    functions = {}, twos = {}, plans = {}, requests = {}, logs = {}, answers = {}, readonly = readonly,
  }

  function bridge.function_slot(callback, two)
    assert(type(callback) == "function")
    table.insert(bridge.functions, callback)
    bridge.twos[#bridge.functions] = two ~= nil
    return #bridge.functions
  end

  function bridge.where()
    for level = 2, math.huge do
      local info = debug.getinfo(level, "Sl")
      if not info then return nil end
      if info.what ~= "C" and not info.short_src:find("^%[aikit") then
        return info.short_src .. ":" .. info.currentline
      end
    end
  end

  function bridge.function_where(callback)
    local info = debug.getinfo(callback, "S")
    return info.short_src .. ":" .. info.linedefined
  end

  function bridge.function_lines(callback)
    local info = debug.getinfo(callback, "S")
    if info.source:sub(1, 1) == "@" then return info.source:sub(2), info.linedefined, info.lastlinedefined end
  end

  bridge.upvalue = debug.getupvalue
  function bridge.protect(metatable) return metatable end
  function bridge.lease(schema, slots) return { schema = schema, slots = slots } end
  function bridge.released() return nil end

  function bridge.suggest(word, names)
    local best, least = nil, 4
    for _, name in ipairs(names) do
      local far = distance(word, name)
      if far < least and far < math.max(#word, 3) then best, least = name, far end
    end
    return best
  end

  bridge.sync_ops = {
    prelude = read,
    code = function() return 1 end,
    commit = function(definition)
      table.insert(bridge.plans, definition)
      return #bridge.plans
    end,
    ["json.encode"] = function(value) return bridge.encode_json(value) end,
    ["json.encode_pretty"] = function(value) return "json:" .. tostring(value) .. ":pretty" end,
    version = function() return "0.0.0" end,
    log = function(entry) table.insert(bridge.logs, entry) end,
    schema_compile = function(schema)
      bridge.compiled = schema
      return 7
    end,
    schema_validate = function(payload)
      bridge.validated = payload
      return bridge.answers.schema_validate or { value = payload.value }
    end,
  }
  function bridge.now() return 1700000000000 end
  function bridge.uuid() return "3b241101-e2bb-4255-8caf-4136c566a962" end
  function bridge.random(_, high) return high or 0.5 end
  function bridge.sync(op, payload) return assert(bridge.sync_ops[op], "unknown op " .. op)(payload) end

  function bridge.request(op, payload)
    table.insert(bridge.requests, { op = op, payload = payload })
    return bridge.answers[op]
  end

  function bridge.all(functions)
    local results = {}
    for index, run in ipairs(functions) do results[index] = run() end
    return results
  end

  function bridge.encode(value)
    if type(value) ~= "table" then return type(value) .. tostring(value) end
    local pairs_of = {}
    for key, item in pairs(value) do pairs_of[#pairs_of + 1] = bridge.encode(key) .. "=" .. bridge.encode(item) end
    table.sort(pairs_of)
    return "{" .. table.concat(pairs_of, ",") .. "}"
  end
  function bridge.encode_json(value) return "json:" .. tostring(value) end
  function bridge.decode_json(text)
    if text == "{}" then return {} end
    error("unexpected text at 1", 0)
  end

  function bridge.inherit(table) bridge.inherited = table end

  function bridge.context_get(context, name)
    if name == "first_span" then return 0 end
    if name == "sampled" then return false end
    if name == "metadata" then
      local copy = {}
      for key, value in pairs(context.fields.metadata) do copy[key] = value end
      return copy
    end
    return context.fields[name]
  end
  function bridge.context_effect(context, kind, name, value)
    table.insert(context.effects, { kind = kind, name = name, value = value })
    if kind == "metadata" or kind == "ctx" then context.fields[kind] = value end
  end
  function bridge.set_context_methods(methods) bridge.methods = methods end
  function bridge.set_script_globals(globals) bridge.script_globals = globals end
  function bridge.set_collect(collect) bridge.collect = collect end
  function bridge.document(format) return bridge.functions[1](format) end

  --- A context as a handler gets it.
  function bridge.context(fields)
    return setmetatable({ fields = fields, effects = {} }, { __index = bridge.methods, __metatable = "context" })
  end

  -- A second instance of the library's parts, for tests that look behind it.
  local parts = {}
  function bridge.part(name)
    if parts[name] == nil then
      parts[name] = assert(load(read(name), "=[aikit " .. name .. "]", "t"))(bridge, bridge.part)
    end
    return parts[name]
  end

  bridge.aikit = assert(load(read "aikit", "=[aikit aikit]", "t"))(bridge)
  return bridge
end
