-- `aikit.secret`: the name of a value that only the host sees. It stands in headers and environments of programs; the
-- host fills it in when it has checked where it goes, and takes it out of whatever comes back.
--
-- Other parts of the library ask `name` for the name of a secret, and put `mark(value)` where the host fills it in.
local _, part = ...
local errors, objects = part "errors", part "objects"
local ipairs, tostring, type = ipairs, tostring, type
local find, format = string.find, string.format
local misuse = errors.misuse

local secret = {}
local methods = {}

local SHOWN = {
  bearer = function(_, shown) return "Bearer " .. shown end,
  basic = function(state, shown) return "Basic " .. state.text .. ":" .. shown end,
  prefixed = function(state, shown) return state.text .. shown end,
}

local events = {
  __tostring = function(value)
    local state = objects.state(value)
    local shown = format("secret(%s)", state.name)
    return state.as and SHOWN[state.as](state, shown) or shown
  end,
}

--- Raises for whatever would need the text of a secret.
local function refuse(left, right)
  local value = objects.state(left, secret.class) and left or right
  misuse("%s is no text that a script could join, measure or compare: send it as it is in a header, "
    .. "or as value:bearer(), value:basic(user) or value:prefixed(text)", tostring(value))
end
local REFUSED = { "concat", "len", "lt", "le", "add", "sub", "mul", "div", "mod", "pow", "unm", "idiv", "call" }
for _, name in ipairs(REFUSED) do
  events["__" .. name] = refuse
end

secret.class = objects.class("secret", methods, { name = true }, nil, events)

local function new(name, as, text) return objects.new(secret.class, { name = name, as = as, text = text }) end

local function derived(value, as, text)
  local state = objects.state(value, secret.class)
  if not state then misuse("call it with a colon: value:%s(…)", as) end
  if state.as then misuse("%s has its form already", tostring(value)) end
  return new(state.name, as, text)
end

--- The value of an Authorization header with this token.
function methods:bearer() return derived(self, "bearer") end

--- The value of an Authorization header with this password.
function methods:basic(user)
  errors.expect(user, "string", 'password:basic "user"')
  if find(user, ":", 1, true) then misuse("password:basic(user): the name of a user has no colon") end
  return derived(self, "basic", user)
end

--- A header's value that begins with a text.
function methods:prefixed(text)
  return derived(self, "prefixed", errors.expect(text, "string", 'key:prefixed "ApiKey "'))
end

--- A secret by its name.
function secret.new(name)
  errors.expect(name, "string", 'aikit.secret "API_KEY"')
  if #name > 200 or not find(name, "^[%w_./-]+$") then
    misuse("aikit.secret: '%s' is no name of a secret: letters, digits and _ . - / only", name)
  end
  return new(name)
end

--- The name of a secret; nil for every other value.
function secret.name(value)
  local state = objects.state(value, secret.class)
  return state and state.name
end

--- What stands in a request for the host to fill in; nil for a value that is no secret.
function secret.mark(value)
  local state = type(value) == "table" and objects.state(value, secret.class)
  return state and { ["$secret"] = state.name, as = state.as, text = state.text } or nil
end

return secret
