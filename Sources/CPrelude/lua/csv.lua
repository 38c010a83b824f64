-- `aikit.csv`: tables as text with separators (RFC 4180).
local bridge, part = ...
local errors, objects, number_text = part "errors", part "objects", part("number_text").data
local ipairs, math_type, pairs, tostring, type = ipairs, math.type, pairs, tostring, type
local byte, concat, find, gsub = string.byte, table.concat, string.find, string.gsub
local match, sub = string.match, string.sub
local misuse, shown = errors.misuse, errors.shown

local csv = {}

local LONGEST_FIELD = 16 * 1024 * 1024
-- Rows may have empty fields, but not by an index that was meant for something else.
local MOST_EMPTY = 65536
local BYTE_ORDER_MARK = "\239\187\191"
local LINE_ENDS = { ["\n"] = true, ["\r\n"] = true, ["\r"] = true }

local function options_of(options, names, name)
  if options == nil then return { separator = ",", line_end = "\r\n" } end
  local call = "aikit.csv." .. name
  errors.known(errors.expect(options, "table", call .. "(…, { header = true })"), names, call)
  local separator = options.separator or ","
  if type(separator) ~= "string" or #separator ~= 1 or find(separator, '["\r\n]') then
    misuse("aikit.csv.%s: `separator` is one character, neither a quote nor a line break", name)
  end
  local header, line_end = options.header, options.line_end or "\r\n"
  if header ~= nil and type(header) ~= "boolean" then
    misuse("aikit.csv.%s: `header` takes true or false, got %s", name, shown(header))
  end
  if not LINE_ENDS[line_end] then
    misuse('aikit.csv.%s: `line_end` takes "\\r\\n", "\\n" or "\\r", got %s', name, shown(line_end))
  end
  return { separator = separator, header = header, columns = options.columns, line_end = line_end }
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
    if type(piece) ~= "string" then
      misuse("aikit.csv.rows: the function gives pieces of text, and nil at the end, got %s", errors.kind(piece))
    end
    -- What is left is the beginning of one field.
    if #text - at >= LONGEST_FIELD then wrong(line, "a field is longer than %d MiB", LONGEST_FIELD >> 20) end
    text, at = sub(text, at) .. piece, 1
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
      if sub(text, 1, 3) == BYTE_ORDER_MARK then at = 4 end
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

--- The names in the first row; nil where there is none.
local function header_of(next_row)
  local names, line = next_row()
  local seen = {}
  for _, name in ipairs(names or {}) do
    if seen[name] then
      wrong(line, "two fields of the header are called '%s'; without `header` rows are lists", name)
    end
    seen[name] = true
  end
  return names
end

--- Iterates over rows: lists of texts, or with `header` tables by the names in the first row.
function csv.rows(source, options)
  local settings = options_of(options, { "header", "separator" }, "rows")
  local next_row = reader(pieces_of(source, "rows"), settings.separator)
  if not settings.header then return function() return (next_row()) end end
  local names
  return function()
    names = names or header_of(next_row)
    if not names then return nil end
    local row, line = next_row()
    while row and #row == 1 and row[1] == "" and #names > 1 do row, line = next_row() end
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

--- A field as text; `index` and `name` say which one it is.
local function field_text(value, separator, index, name)
  if value == nil or value == bridge.null then return "" end
  local kind = type(value)
  local is_finite = kind ~= "number" or value - value == 0
  if kind ~= "string" and kind ~= "number" and kind ~= "boolean" or not is_finite then
    misuse("aikit.csv.format: row %d, %s: a field takes text, a number or a boolean, got %s", index, shown(name),
      is_finite and errors.kind(value) or tostring(value))
  end
  local text = kind == "number" and number_text(value) or tostring(value)
  if find(text, '["\r\n]') or find(text, separator, 1, true) or match(text, "^%s") or match(text, "%s$")
    or sub(text, 1, 3) == BYTE_ORDER_MARK then
    return '"' .. gsub(text, '"', '""') .. '"'
  end
  return text
end

--- Whether a row is a table of named fields, and for a list how many fields it has; nil for a row without any.
local function shape_of(row, index)
  if type(row) ~= "table" or objects.state(row) then
    misuse("aikit.csv.format: row %d is %s, not a list or a table: write aikit.csv.format({ { 1, 2 } })", index,
      errors.kind(row))
  end
  local named, listed, width, count = nil, nil, 0, 0
  for key in pairs(row) do
    if type(key) == "string" then
      named = key
    elseif math_type(key) == "integer" and key >= 1 then
      listed, width, count = key, key > width and key or width, count + 1
    else
      misuse("aikit.csv.format: row %d: a field goes by a name or by its place from 1 on, got %s", index, shown(key))
    end
  end
  if named and listed then
    misuse("aikit.csv.format: row %d has both a field '%s' and a field %d: it is a list or has names", index, named,
      listed)
  end
  if width > MOST_EMPTY and width > 2 * count then
    misuse("aikit.csv.format: row %d has a field %d, and most of those before it are empty", index, width)
  end
  if named or listed then return named ~= nil, width end
end

--- The columns that were asked for; nil for none.
local function columns_of(columns)
  if columns == nil then return nil end
  errors.expect(columns, "table", 'columns = { "name", "city" }')
  local count = errors.count(columns, "aikit.csv.format: `columns`")
  if count == 0 then misuse 'aikit.csv.format: `columns` is empty: write columns = { "name", "city" }' end
  local seen, places = {}, false
  for _, name in ipairs(columns) do
    if type(name) ~= "string" and math_type(name) ~= "integer" then
      misuse("aikit.csv.format: `columns` takes names, got %s", errors.kind(name))
    end
    if seen[name] then misuse("aikit.csv.format: `columns` has %s twice", shown(name)) end
    seen[name], places = true, places or type(name) ~= "string"
  end
  return columns, places
end

--- Writes rows: lists, or tables whose keys are `columns`; then the columns come first.
function csv.format(rows, options)
  errors.expect(rows, "table", "aikit.csv.format({ { 1, 2 } }, { columns = … })")
  local count = errors.count(rows, "aikit.csv.format: `rows`")
  local settings = options_of(options, { "columns", "separator", "line_end" }, "format")
  local separator, lines, widths, names = settings.separator, {}, {}, {}
  local columns, places = columns_of(settings.columns)
  local first, first_named
  for index = 1, count do
    local row = rows[index]
    local named, width = shape_of(row, index)
    widths[index] = width or 0
    if columns then
      if named == false and not places then
        misuse("aikit.csv.format: row %d is a list, `columns` are keys of tables", index)
      end
    elseif named ~= nil then
      if first_named == nil then first, first_named = index, named end
      if named ~= first_named then
        misuse("aikit.csv.format: row %d %s, row %d %s", first, first_named and "has names" or "is a list", index,
          named and "has names" or "is a list")
      end
      if named then
        for name in pairs(row) do names[name] = true end
      end
    end
  end
  if first_named then columns = errors.names(names) end
  if columns then
    local fields = {}
    for place, name in ipairs(columns) do fields[place] = field_text(name, separator, 0, name) end
    lines[1] = concat(fields, separator)
  end
  for index = 1, count do
    local row, fields = rows[index], {}
    for place = 1, columns and #columns or widths[index] do
      local name = columns and columns[place] or place
      fields[place] = field_text(row[name], separator, index, name)
    end
    lines[#lines + 1] = concat(fields, separator)
  end
  local line_end = settings.line_end
  return #lines > 0 and concat(lines, line_end) .. line_end or ""
end

return objects.namespace("aikit.csv", csv)
