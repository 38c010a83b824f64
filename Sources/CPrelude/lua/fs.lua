-- `aikit.fs`: files and folders, as far as the host grants them.
local bridge, part = ...
local errors, objects = part "errors", part "objects"
local type = type
local byte, concat, find, sub = string.byte, table.concat, string.find, string.sub
local misuse = errors.misuse

-- How much of a file is read at once by who goes through its lines, and the longest line.
local PORTION, LONGEST_LINE = 256 * 1024, 16 * 1024 * 1024

local fs = {}

local function checked(path, name)
  return errors.expect(path, "string", 'aikit.fs.' .. name .. ' "path"')
end

local function text_of(data, name)
  if type(data) == "number" then return part("number_text").data(data) end
  return errors.expect(data, "string", "aikit.fs." .. name .. '("path", "text")')
end

local function options_of(options, names, name)
  if options == nil then return {} end
  local call = "aikit.fs." .. name
  return errors.known(errors.expect(options, "table", call .. '("path", { … })'), names, call)
end

--- The bytes of a file.
function fs.read(path, options)
  local max_size = options_of(options, { "max_size" }, "read").max_size
  return bridge.request("fs.read", { path = checked(path, "read"), max_size = max_size })
end

--- Writes a file in one step: who reads it sees the old bytes or the new ones.
function fs.write(path, data)
  bridge.request("fs.write", { path = checked(path, "write"), data = text_of(data, "write") }, true)
end

--- Adds to the end of a file, which is made where there is none.
function fs.append(path, data)
  bridge.request("fs.append", { path = checked(path, "append"), data = text_of(data, "append") }, true)
end

--- The entries of a folder, `{ name, type }`, by name.
function fs.list(path) return bridge.request("fs.list", { path = checked(path, "list") }) end

--- What there is at a path, `{ type, size, modified, mode }`; nil for nothing.
function fs.stat(path)
  local info = bridge.request("fs.stat", { path = checked(path, "stat") })
  if info ~= bridge.null then return info end
end

--- The paths that fit a pattern, in order.
function fs.glob(pattern)
  return bridge.request("fs.glob", { pattern = errors.expect(pattern, "string", 'aikit.fs.glob "data/**/*.csv"') })
end

--- Makes an empty file with a name of its own, in a folder or where the system keeps such files; its path.
function fs.temp(folder, prefix)
  if folder ~= nil then errors.expect(folder, "string", 'aikit.fs.temp("folder", "prefix-")') end
  if prefix ~= nil then errors.expect(prefix, "string", 'aikit.fs.temp("folder", "prefix-")') end
  return bridge.request("fs.temp", { path = folder, prefix = prefix })
end

--- Removes a file or an empty folder; `{ recursive = true }` removes a folder with all that is in it.
function fs.remove(path, options)
  local recursive = options_of(options, { "recursive" }, "remove").recursive
  bridge.request("fs.remove", { path = checked(path, "remove"), recursive = recursive })
end

--- Makes a folder, and those above it.
function fs.mkdir(path) bridge.request("fs.mkdir", { path = checked(path, "mkdir") }) end

--- Iterates over the lines of a file of any size, without their ends.
function fs.lines(path)
  checked(path, "lines")
  local text, from, offset, ended = "", 1, 0, false
  local parts, length = {}, 0
  return function()
    while true do
      local at = find(text, "\n", from, true)
      if at then
        local last = at > from and byte(text, at - 1) == 13 and at - 2 or at - 1
        local line = sub(text, from, last)
        from = at + 1
        if parts[1] then
          parts[#parts + 1] = line
          line, parts, length = concat(parts), {}, 0
          -- The CR of a CR LF may have come with the portion before.
          if last < from - 2 or line == "" or byte(line, -1) ~= 13 then return line end
          return sub(line, 1, -2)
        end
        return line
      end
      local rest = sub(text, from)
      if ended then
        text, from = "", 1
        local line = concat(parts) .. rest
        parts = {}
        if line ~= "" then return line end
        return nil
      end
      if rest ~= "" then
        parts[#parts + 1] = rest
        length = length + #rest
        if length > LONGEST_LINE then
          misuse("aikit.fs.lines: '%s' has a line that is longer than %d MiB", path, LONGEST_LINE >> 20)
        end
      end
      text, from = bridge.request("fs.read", { path = path, offset = offset, length = PORTION }), 1
      offset = offset + #text
      ended = text == ""
    end
  end
end

return objects.namespace("aikit.fs", fs)
