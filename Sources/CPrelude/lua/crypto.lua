-- `aikit.crypto`: digests, and strings of any bytes as text and back.
local bridge, part = ...
local errors, objects = part "errors", part "objects"
local getmetatable, ipairs, pairs, type = getmetatable, ipairs, pairs, type
local byte, char, pack = string.byte, string.char, string.pack
local concat = table.concat
local misuse = errors.misuse

local crypto = {}

for name, noun in pairs { base64 = "base64", hex = "hexadecimal digits" } do
  crypto[name .. "_encode"] = function(bytes)
    local call = "aikit.crypto." .. name .. "_encode(bytes)"
    return bridge.sync(name .. ".encode", errors.expect(bytes, "string", call), true)
  end
  crypto[name .. "_decode"] = function(text)
    local call = "aikit.crypto." .. name .. "_decode(text)"
    local bytes = bridge.sync(name .. ".decode", errors.expect(text, "string", call), true)
    if bytes == nil or bytes == bridge.null then misuse("%s: the text is not %s", call, noun) end
    return bytes
  end
end

--- Writes bytes as base64 with the alphabet of URLs, without padding; `base64_decode` reads it.
function crypto.base64url_encode(bytes)
  errors.expect(bytes, "string", "aikit.crypto.base64url_encode(bytes)")
  return bridge.sync("base64url.encode", bytes, true)
end

local FORMS = { hex = true, base64 = true, base64url = true, bytes = true }

local function form_of(form, call)
  form = form or "hex"
  if not FORMS[form] then
    misuse('%s: a digest comes as "hex", "base64", "base64url" or "bytes", got %s', call,
      type(form) == "string" and "'" .. form .. "'" or errors.kind(form))
  end
  return form
end

local function formed(bytes, form)
  if form == "bytes" then return bytes end
  return crypto[form .. "_encode"](bytes)
end

local ALGORITHMS = { "sha256", "sha1", "sha384", "sha512", "md5" }

for _, name in ipairs(ALGORITHMS) do
  crypto[name] = function(bytes, form)
    local call = "aikit.crypto." .. name .. "(bytes)"
    form = form_of(form, call)
    return formed(bridge.sync("digest." .. name, errors.expect(bytes, "string", call), true), form)
  end
end

--- The key with each byte changed by a mask, filled up to a block (RFC 2104).
local function padded(key, block, mask)
  local bytes = {}
  for index = 1, block do bytes[index] = char((byte(key, index) or 0) ~ mask) end
  return concat(bytes)
end

local function keyed_digest(algorithm, key, bytes)
  local op, block = "digest." .. algorithm, (algorithm == "sha384" or algorithm == "sha512") and 128 or 64
  if #key > block then key = bridge.sync(op, key, true) end
  local inner = bridge.sync(op, padded(key, block, 0x36) .. bytes, true)
  return bridge.sync(op, padded(key, block, 0x5C) .. inner, true)
end

--- The keyed digest of bytes; the key is a string of any bytes, or a secret, which the host puts in.
function crypto.hmac(algorithm, key, bytes, form)
  local call = 'aikit.crypto.hmac("sha256", key, bytes)'
  local found = false
  for _, name in ipairs(ALGORITHMS) do found = found or name == algorithm end
  if not found then misuse("%s: there is no digest %s", call, type(algorithm) == "string" and "'" .. algorithm .. "'"
      or errors.kind(algorithm)) end
  form = form_of(form, call)
  errors.expect(bytes, "string", call)
  local mark = getmetatable(key) == "secret" and part("secret").mark(key)
  if mark then
    return formed(bridge.request("hmac", { algorithm = algorithm, key = mark, data = bytes }, true), form)
  end
  errors.expect(key, "string", call)
  return formed(keyed_digest(algorithm, key, bytes), form)
end

--- Bytes of chance, by the run's seed: the same when a step is run again after a crash, so no keys.
function crypto.random_bytes(count)
  if type(count) ~= "number" or count % 1 ~= 0 or count < 0 or count > 1048576 then
    misuse("aikit.crypto.random_bytes(count) takes an integer from 0 to 1048576, got %s", errors.shown(count))
  end
  local words = {}
  for index = 1, (count + 3) // 4 do words[index] = pack("<I4", bridge.random(0, 0xFFFFFFFF)) end
  return concat(words):sub(1, count // 1)
end

--- Whether two strings are equal, in a time that does not tell where they differ.
function crypto.equal(a, b)
  local call = "aikit.crypto.equal(a, b)"
  errors.expect(a, "string", call)
  errors.expect(b, "string", call)
  local difference = #a ~ #b
  for index = 1, #b do difference = difference | (byte(a, index) or 0) ~ byte(b, index) end
  return difference == 0
end

return objects.namespace("aikit.crypto", crypto)
