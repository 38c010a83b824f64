-- Bodies of several parts (multipart/form-data, RFC 7578), for `aikit.http`.
local bridge, part = ...
local errors = part "errors"
local number_text = part("number_text").data
local ipairs, type = ipairs, type
local concat, find, format, gsub = table.concat, string.find, string.format, string.gsub
local misuse = errors.misuse

local FIELDS = { "name", "body", "filename", "type" }
local EXAMPLE = 'multipart = { note = "text", file = { body = bytes, filename = "a.png", type = "image/png" } }'

--- A name as a quoted string in a header: what would end it is percent-encoded, as browsers do.
local function quoted(text)
  return '"' .. gsub(text, '[\r\n"]', function(character) return format("%%%02X", character:byte()) end) .. '"'
end

local function text_of(value, name, what)
  if type(value) == "string" then return value end
  if type(value) == "number" then return number_text(value) end
  return misuse("aikit.http: %s of the part '%s' takes text, got %s", what, name, errors.kind(value))
end

local function write(name, given)
  local field = { body = given }
  if type(given) == "table" then field = errors.known(given, FIELDS, "aikit.http: a part of `multipart`") end
  local head = "Content-Disposition: form-data; name=" .. quoted(name)
  if field.filename ~= nil then
    head = head .. "; filename=" .. quoted(text_of(field.filename, name, "the filename"))
  end
  local kind = field.type or field.filename and "application/octet-stream"
  if kind then
    kind = text_of(kind, name, "the type")
    if find(kind, "%c") then misuse("aikit.http: the type of the part '%s' has a line break", name) end
    head = head .. "\r\nContent-Type: " .. kind
  end
  return head .. "\r\n\r\n" .. text_of(field.body, name, "the body")
end

--- The body and its content type, for parts by name, in the order of the names, or a list of parts with `name`.
return function(parts)
  errors.expect(parts, "table", EXAMPLE)
  local written = {}
  if parts[1] ~= nil then
    errors.count(parts, "aikit.http: `multipart` with a part at 1")
    for index, given in ipairs(parts) do
      if type(given) ~= "table" or type(given.name) ~= "string" then
        misuse("aikit.http: part %d of `multipart` has no name: write %s", index, EXAMPLE)
      end
      written[index] = write(given.name, given)
    end
  else
    for name, given in errors.each(parts) do
      if type(name) ~= "string" then
        misuse("aikit.http: a part of `multipart` goes by its name, got %s: write %s", errors.shown(name), EXAMPLE)
      end
      written[#written + 1] = write(name, given)
    end
  end
  -- A UUID of the host's, which no body has in it but by intent; then another one is taken.
  local boundary
  local body = concat(written)
  repeat boundary = "part-" .. bridge.uuid() until not find(body, boundary, 1, true)
  local text = {}
  for _, one in ipairs(written) do text[#text + 1] = "--" .. boundary .. "\r\n" .. one .. "\r\n" end
  text[#text + 1] = "--" .. boundary .. "--\r\n"
  return concat(text), "multipart/form-data; boundary=" .. boundary
end
