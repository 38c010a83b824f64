-- `aikit.crypto`: strings of any bytes as text, and back.
local bridge, part = ...
local errors, objects = part "errors", part "objects"
local pairs = pairs
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

return objects.namespace("aikit.crypto", crypto)
