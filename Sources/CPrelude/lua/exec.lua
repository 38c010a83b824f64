-- `aikit.exec`: a program with its arguments, without a shell.
local bridge, part = ...
local errors = part "errors"
local number_text = part("number_text").data
local getmetatable, ipairs, pairs, type = getmetatable, ipairs, pairs, type
local misuse = errors.misuse

local OPTIONS = { "stdin", "cwd", "env", "timeout", "max_output" }
local USAGE = 'aikit.exec { "git", "status", timeout = "10s" }'

local function text_of(value)
  if type(value) == "string" then return value end
  if type(value) == "number" then return number_text(value) end
end

local function environment_of(given)
  local env = {}
  for name, value in errors.each(errors.expect(given, "table", 'aikit.exec { …, env = { NAME = "value" } }')) do
    if type(name) ~= "string" then misuse('aikit.exec: `env` has names and values: write env = { NAME = "value" }') end
    local mark = getmetatable(value) == "secret" and part("secret").mark(value)
    env[name] = text_of(value) or mark
    if env[name] == nil then
      misuse("aikit.exec: the variable '%s' takes text or a secret, got %s", name, errors.kind(value))
    end
  end
  return env
end

--- Runs a program to its end: `{ status?, signal?, ok, stdout, stderr }`.
return function(options)
  errors.expect(options, "table", USAGE)
  local argv, words, named = {}, {}, {}
  for key, value in pairs(options) do
    if type(key) == "number" then words[key] = value else named[key] = value end
  end
  errors.known(named, OPTIONS, "aikit.exec")
  errors.count(words, "aikit.exec: the program with its arguments")
  for index, word in ipairs(words) do
    argv[index] = text_of(word)
    if argv[index] == nil then
      misuse("aikit.exec: argument %d takes text, got %s%s", index, errors.kind(word),
        getmetatable(word) == "secret" and "; others see arguments, so send it in `env`" or "")
    end
  end
  if not argv[1] then misuse("aikit.exec takes a program and its arguments: write " .. USAGE) end
  local stdin = options.stdin
  if stdin ~= nil then
    stdin = text_of(stdin)
    if stdin == nil then misuse("aikit.exec: `stdin` takes text, got %s", errors.kind(options.stdin)) end
  end
  if options.cwd ~= nil then errors.expect(options.cwd, "string", 'aikit.exec { …, cwd = "folder" }') end
  local result = bridge.request("exec", {
    argv = argv, stdin = stdin, cwd = options.cwd, env = options.env ~= nil and environment_of(options.env) or nil,
    timeout = options.timeout, max_output = options.max_output,
  }, true)
  result.ok = result.status == 0
  return result
end
