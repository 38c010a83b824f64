-- `aikit.csv`: tables as text with separators (RFC 4180).
local _, part = ...
local errors, objects = part "errors", part "objects"
local ipairs, next, pairs, tostring, type = ipairs, next, pairs, tostring, type
local byte, concat, find, gsub = string.byte, table.concat, string.find, string.gsub
local match, sub = string.match, string.sub
local misuse = errors.misuse

local csv = {}

local LONGEST_FIELD = 16 * 1024 * 1024

local function options_of(options, names, name)
  if options == nil then return { separator = "," } end
  local call = "aikit.csv." .. name
  errors.known(errors.expect(options, "table", call .. "(…, { header = true })"), names, call)
  local separator = options.separator or ","
  if type(separator) ~= "string" or #separator ~= 1 or find(separator, '["\r\n]') then
    misuse("aikit.csv.%s: `separator` is one character, neither a quote nor a line break", name)
  end
  return {
    separator = separator, header = options.header, columns = options.columns, line_end = options.line_end,
  }
end

local function wrong(line, why, ...)
  part("host").fail {
    code = "invalid_csv", message = ("line %d: " .. why):format(line, ...), retryable = false,
    details = { line = line },
  }
end

--- Gives one row after the other, each a list of texts, from a function that gives the next piece of text.
local function reader(more, separator)
  local text, at, line, ended, started = "", 1, 1, false, false
  -- Everything that ends a field without quotes.
  local stops = "[\r\n\"" .. (find(separator, "%w") and separator or "%" .. separator) .. "]"

  --- Puts what comes next behind what is left; false at the end.
  local function fill()
    if ended then return false end
    local piece = more()
    if piece == nil then
      ended = true
      return false
    end
    text, at = sub(text, at) .. piece, 1
    if #text > LONGEST_FIELD * 2 then wrong(line, "a field is longer than %d MiB", LONGEST_FIELD >> 20) end
    return true
  end

  local function quoted_field()
    local first, parts = line, {}
    at = at + 1
    while true do
      local quote = find(text, '"', at, true)
      -- A quote at the end of what has come may be the first of two.
      if quote and quote == #text and fill() then quote = find(text, '"', at, true) end
      if quote then
        local piece = sub(text, at, quote - 1)
        parts[#parts + 1] = piece
        for _ in piece:gmatch "\n" do line = line + 1 end
        at = quote + 1
        if byte(text, at) ~= 34 then return concat(parts) end
        parts[#parts + 1] = '"'
        at = at + 1
      elseif not fill() then
        wrong(first, "a quote is not closed")
      end
    end
  end

  local function plain_field()
    local stop = find(text, stops, at)
    while not stop and fill() do stop = find(text, stops, at) end
    if stop and byte(text, stop) == 34 then wrong(line, "a quote within a field that does not begin with one") end
    local field = sub(text, at, stop and stop - 1 or -1)
    at = stop or #text + 1
    return field
  end

  return function()
    if not started then
      started = true
      while #text < 3 and fill() do end
      if sub(text, 1, 3) == "\239\187\191" then at = 4 end
    end
    if at > #text and not fill() then return nil end
    while at > #text do
      if not fill() then return nil end
    end
    local row, first = {}, line
    while true do
      while at > #text and fill() do end
      row[#row + 1] = byte(text, at) == 34 and quoted_field() or plain_field()
      while at > #text and fill() do end
      local stop = sub(text, at, at)
      at = at + 1
      if stop == "" then return row, first end
      if stop == "\r" then
        while at > #text and fill() do end
        if sub(text, at, at) == "\n" then at = at + 1 end
        line = line + 1
        return row, first
      end
      if stop == "\n" then
        line = line + 1
        return row, first
      end
      if stop ~= separator then wrong(line, "text behind a closing quote") end
    end
  end
end

local function pieces_of(source, name)
  if type(source) == "string" then
    local given = source
    return function()
      local piece = given
      given = nil
      return piece
    end
  end
  if type(source) ~= "function" then
    misuse("aikit.csv.%s takes text, or a function that gives pieces of it, got %s", name, errors.kind(source))
  end
  return source
end

--- Iterates over rows: lists of texts, or with `header` tables by the names in the first row.
function csv.rows(source, options)
  local settings = options_of(options, { "header", "separator" }, "rows")
  local next_row = reader(pieces_of(source, "rows"), settings.separator)
  if not settings.header then return function() return (next_row()) end end
  local names
  return function()
    names = names or next_row()
    local row, line = next_row()
    if not names or not row then return nil end
    if #row == 1 and row[1] == "" and #names > 1 then row, line = next_row() end
    if not row then return nil end
    if #row ~= #names then wrong(line, "%d fields, where the header has %d", #row, #names) end
    local record = {}
    for index, name in ipairs(names) do record[name] = row[index] end
    return record
  end
end

--- All rows of a text.
function csv.parse(text, options)
  errors.expect(text, "string", "aikit.csv.parse(text, { header = true })")
  local rows = part("host").array()
  for row in csv.rows(text, options) do rows[#rows + 1] = row end
  return rows
end

local function field_text(value, separator)
  if value == nil then return "" end
  local kind = type(value)
  if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
    if errors.kind(value) == "aikit.null" then return "" end
    misuse("aikit.csv.format: a field takes text, a number or a boolean, got %s", errors.kind(value))
  end
  local text = tostring(value)
  if find(text, '["\r\n]') or find(text, separator, 1, true) or match(text, "^%s") or match(text, "%s$") then
    return '"' .. gsub(text, '"', '""') .. '"'
  end
  return text
end

--- Writes rows: lists, or tables whose keys are `columns`; then the columns come first.
function csv.format(rows, options)
  errors.expect(rows, "table", "aikit.csv.format({ { 1, 2 } }, { columns = … })")
  local settings = options_of(options, { "columns", "separator", "line_end" }, "format")
  local separator, columns, lines = settings.separator, settings.columns, {}
  local first = rows[1]
  if columns == nil and type(first) == "table" and first[1] == nil and next(first) ~= nil then
    columns = errors.names(first)
  end
  local function add(row, width)
    local fields = {}
    for index = 1, width do fields[index] = field_text(row[index], separator) end
    lines[#lines + 1] = concat(fields, separator)
  end
  if columns then add(errors.expect(columns, "table", 'columns = { "name", "city" }'), #columns) end
  for _, row in ipairs(rows) do
    errors.expect(row, "table", "aikit.csv.format({ { 1, 2 } })")
    if columns then
      local list = {}
      for index, name in ipairs(columns) do list[index] = row[name] end
      add(list, #columns)
    else
      local width = 0
      for key in pairs(row) do
        if type(key) ~= "number" then misuse "aikit.csv.format: rows are lists, or give `columns`" end
        if key > width then width = key end
      end
      add(row, width)
    end
  end
  local line_end = settings.line_end or "\r\n"
  return #lines > 0 and concat(lines, line_end) .. line_end or ""
end

return objects.namespace("aikit.csv", csv)
