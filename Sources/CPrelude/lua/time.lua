-- `aikit.time`: the calendar. Times are milliseconds since 1970, as those of `aikit.now`; zones go by their IANA names.
local bridge, part = ...
local errors, objects, dates = part "errors", part "objects", part "dates"
local days_of, days_in = dates.days_of, dates.days_in
local ipairs, pairs, tonumber, type = ipairs, pairs, tonumber, type
local find, format, gsub, lower = string.find, string.format, string.gsub, string.lower
local match, sub = string.match, string.sub
local floor, tointeger = math.floor, math.tointeger
local misuse = errors.misuse

local time = {}

-- From year 0 to 9999, in milliseconds.
local FIRST, LAST = -62167219200000, 253402300799999
local DAY = 86400

local MONTHS = {
  "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
  "December",
}
local WEEKDAYS = { "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday" }

local UNITS = { ms = 1, s = 1000, m = 60000, h = 3600000, d = 86400000 }

--- A time as an integer, or misuse.
local function checked(at, name)
  local number = type(at) == "number" and tointeger(floor(at))
  if not number or number < FIRST or number > LAST then
    misuse("aikit.time.%s takes a time: milliseconds since 1970, of the years 0 to 9999, got %s", name,
      type(at) == "number" and format("%.14g", at) or errors.kind(at))
  end
  return number
end

-- Days since 1970 and dates, by eras of 400 years ---------------------------------------------------------------------

local function date_of(days)
  days = days + 719468
  local era = days // 146097
  local of_era = days - era * 146097
  local year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
  local of_year = of_era - (365 * year + year // 4 - year // 100)
  local month = (5 * of_year + 2) // 153
  local day = of_year - (153 * month + 2) // 5 + 1
  month = month + (month < 10 and 3 or -9)
  return year + era * 400 + (month <= 2 and 1 or 0), month, day
end

-- Zones ---------------------------------------------------------------------------------------------------------------

--- Seconds that a zone is ahead of UTC at a time, given in seconds; a zone may be an offset such as "+05:30".
local function offset_at(seconds, zone)
  if zone == nil or zone == "UTC" or zone == "Z" then return 0 end
  if type(zone) ~= "string" then
    misuse('aikit.time: a zone is a name such as "Europe/Oslo", got %s', errors.kind(zone))
  end
  local sign, hours, minutes = match(zone, "^([+-])(%d%d):?(%d%d)$")
  if sign then
    if tonumber(hours) > 23 or tonumber(minutes) > 59 then misuse("aikit.time: '%s' is no offset", zone) end
    return (sign == "-" and -1 or 1) * (tointeger(hours) * 3600 + tointeger(minutes) * 60)
  end
  local offset = bridge.sync("time.offset", { zone = zone, at = seconds })
  if offset == nil or offset == bridge.null then
    misuse("aikit.time: there is no time zone '%s'; write a name such as Europe/Oslo, or UTC", zone)
  end
  return offset
end

--- The instant of a local time, both in seconds. Of two (clocks go back) the earlier; what clocks pass over is taken as
--- if they had not been set yet.
local function instant_of(seconds, zone)
  local before, after = offset_at(seconds - DAY, zone), offset_at(seconds + DAY, zone)
  if offset_at(seconds - before, zone) == before then return seconds - before end
  if offset_at(seconds - after, zone) == after then return seconds - after end
  return seconds - before
end

-- Fields --------------------------------------------------------------------------------------------------------------

local function fields_of(at, zone)
  local seconds = at // 1000
  local offset = offset_at(seconds, zone)
  local here = seconds + offset
  local days, rest = here // DAY, here % DAY
  local year, month, day = date_of(days)
  return {
    year = year, month = month, day = day, hour = rest // 3600, minute = rest // 60 % 60, second = rest % 60,
    millisecond = at % 1000, weekday = (days + 3) % 7 + 1, yearday = days - days_of(year, 1, 1) + 1, offset = offset,
  }
end

local RANGES = {
  { "year", 0, 9999 }, { "month", 1, 12 }, { "day", 1, 31 }, { "hour", 0, 23 }, { "minute", 0, 59 },
  { "second", 0, 59 }, { "millisecond", 0, 999 },
}

local function in_range(at)
  if at < FIRST or at > LAST then return nil, "the time is not of the years 0 to 9999" end
  return at
end

--- The time of fields that have been checked, or what is wrong with them.
local function at_of(fields, zone)
  for _, range in ipairs(RANGES) do
    local name, low, high = range[1], range[2], range[3]
    local value = fields[name]
    if not value or value < low or value > high then return nil, format("the %s is not %d to %d", name, low, high) end
  end
  if fields.day > days_in(fields.year, fields.month) then
    return nil, format("%s %d has no day %d", MONTHS[fields.month], fields.year, fields.day)
  end
  local here = days_of(fields.year, fields.month, fields.day) * DAY + fields.hour * 3600 + fields.minute * 60
    + fields.second
  local seconds = fields.offset and here - fields.offset or instant_of(here, zone)
  -- Within a day of either end the zone decides.
  return in_range(seconds * 1000 + fields.millisecond)
end

--- The fields of a time in a zone.
function time.fields(at, zone) return fields_of(checked(at, "fields"), zone) end

local DEFAULTS = { month = 1, day = 1, hour = 0, minute = 0, second = 0, millisecond = 0 }

--- The time of fields, of which those after the year may be left out.
function time.of(fields, zone)
  errors.expect(fields, "table", "aikit.time.of { year = 2026, month = 12, day = 24 }")
  local whole = {}
  for _, range in ipairs(RANGES) do
    local name = range[1]
    local value = fields[name]
    if value == nil then value = DEFAULTS[name] end
    whole[name] = type(value) == "number" and tointeger(value) or nil
    if whole[name] == nil then misuse("aikit.time.of: `%s` takes an integer, got %s", name, errors.shown(value)) end
  end
  local at, why = at_of(whole, zone)
  if not at then misuse("aikit.time.of: %s", why) end
  return at
end

-- Text ----------------------------------------------------------------------------------------------------------------

local function offset_text(offset, colon)
  local minutes = (offset < 0 and -offset or offset) // 60
  return format("%s%02d%s%02d", offset < 0 and "-" or "+", minutes // 60, colon, minutes % 60)
end

local WRITERS = {
  Y = function(f) return format("%04d", f.year) end, m = function(f) return format("%02d", f.month) end,
  d = function(f) return format("%02d", f.day) end, e = function(f) return format("%2d", f.day) end,
  H = function(f) return format("%02d", f.hour) end,
  I = function(f) return format("%02d", (f.hour + 11) % 12 + 1) end,
  M = function(f) return format("%02d", f.minute) end, S = function(f) return format("%02d", f.second) end,
  f = function(f) return format("%03d", f.millisecond) end, p = function(f) return f.hour < 12 and "AM" or "PM" end,
  j = function(f) return format("%03d", f.yearday) end, u = function(f) return format("%d", f.weekday) end,
  a = function(f) return sub(WEEKDAYS[f.weekday], 1, 3) end, A = function(f) return WEEKDAYS[f.weekday] end,
  b = function(f) return sub(MONTHS[f.month], 1, 3) end, B = function(f) return MONTHS[f.month] end,
  z = function(f) return offset_text(f.offset, "") end, s = function(f) return format("%d", f.at // 1000) end,
  F = function(f) return format("%04d-%02d-%02d", f.year, f.month, f.day) end,
  T = function(f) return format("%02d:%02d:%02d", f.hour, f.minute, f.second) end,
  ["%"] = function() return "%" end,
}

--- A time as text: by a pattern of strftime's letters, or ISO 8601.
function time.format(at, pattern, zone)
  at = checked(at, "format")
  local fields = fields_of(at, zone)
  if fields.year < 0 or fields.year > 9999 then
    misuse("aikit.time.format: in the zone '%s' the year is %d, and a year has four digits", zone, fields.year)
  end
  fields.at = at
  if pattern == nil then
    local fraction = fields.millisecond > 0 and format(".%03d", fields.millisecond) or ""
    local ending = (zone == nil or zone == "UTC" or zone == "Z") and "Z" or offset_text(fields.offset, ":")
    return WRITERS.F(fields) .. "T" .. WRITERS.T(fields) .. fraction .. ending
  end
  errors.expect(pattern, "string", 'aikit.time.format(at, "%Y-%m-%d", "Europe/Oslo")')
  pattern = gsub(pattern, "%%:z", function() return offset_text(fields.offset, ":") end)
  return (gsub(pattern, "%%(.?)", function(letter)
    local write = WRITERS[letter]
    if not write then misuse("aikit.time.format: '%%%s' is no letter of a pattern", letter) end
    return write(fields)
  end))
end

local function fraction_of(digits) return floor(tonumber("0." .. digits) * 1000 + 1e-9) end

local function named(names, length)
  return function(text, from)
    for index, name in ipairs(names) do
      name = length and sub(name, 1, length) or name
      if lower(sub(text, from, from + #name - 1)) == lower(name) then return index, from + #name end
    end
  end
end

local function digits(low, high)
  return function(text, from)
    local found = match(text, "^%d+", from)
    if not found or #found < low then return nil end
    found = sub(found, 1, high)
    return tointeger(tonumber(found)), from + #found
  end
end

local function read_offset(text, from)
  local word = match(text, "^[Zz]", from)
  if word then return 0, from + 1 end
  local sign, hours, minutes = match(text, "^([+-])(%d%d):?(%d%d)", from)
  if not sign or tonumber(hours) > 23 or tonumber(minutes) > 59 then return nil end
  local _, last = find(text, "^[+-]%d%d:?%d%d", from)
  return (sign == "-" and -1 or 1) * (tointeger(hours) * 3600 + tointeger(minutes) * 60), last + 1
end

local function read_fraction(text, from)
  local found = match(text, "^%d+", from)
  if found then return fraction_of(found), from + #found end
end

local function read_epoch(text, from)
  local found = match(text, "^%-?%d+", from)
  if found and #found <= 13 then return tointeger(tonumber(found)), from + #found end
end

local READERS = {
  Y = { "year", digits(4, 4) }, m = { "month", digits(1, 2) }, d = { "day", digits(1, 2) },
  H = { "hour", digits(1, 2) }, I = { "hour12", digits(1, 2) }, M = { "minute", digits(1, 2) },
  S = { "second", digits(1, 2) }, f = { "millisecond", read_fraction }, z = { "offset", read_offset },
  b = { "month", named(MONTHS, 3) }, B = { "month", named(MONTHS) },
  a = { "weekday", named(WEEKDAYS, 3) }, A = { "weekday", named(WEEKDAYS) }, s = { "epoch", read_epoch },
  p = { "half", named { "AM", "PM" } },
}

local function parse_by(text, pattern, zone)
  pattern = gsub(gsub(gsub(pattern, "%%F", "%%Y-%%m-%%d"), "%%T", "%%H:%%M:%%S"), "%%:z", "%%z")
  local fields, at, from = {}, 1, 1
  while at <= #pattern do
    local letter = match(pattern, "^%%(.)", at)
    local reader = letter and READERS[letter]
    if reader then
      if letter == "d" and sub(text, from, from) == " " then from = from + 1 end
      local value, rest = reader[2](text, from)
      if not value then return nil, format("'%s' does not fit %%%s at character %d", text, letter, from) end
      fields[reader[1]], from, at = value, rest, at + 2
    elseif letter and letter ~= "%" then
      misuse("aikit.time.parse: '%%%s' is no letter of a pattern that can be read", letter)
    else
      local wanted = letter or sub(pattern, at, at)
      if sub(text, from, from) ~= wanted then
        return nil, format("'%s' has no '%s' at character %d", text, wanted, from)
      end
      from, at = from + 1, at + (letter and 2 or 1)
    end
  end
  if from <= #text then return nil, format("'%s' goes on behind the pattern", text) end
  if fields.epoch then return in_range(fields.epoch * 1000) end
  if fields.hour12 then
    if fields.hour12 < 1 or fields.hour12 > 12 then return nil, "the hour is not 1 to 12" end
    fields.hour = fields.hour12 % 12 + (fields.half == 2 and 12 or 0)
  end
  for name, value in pairs(DEFAULTS) do fields[name] = fields[name] or value end
  fields.year = fields.year or 1970
  return at_of(fields, zone)
end

local function parse_iso(text, zone)
  local year, month, day, rest = match(text, "^(%d%d%d%d)%-(%d%d)%-(%d%d)(.*)$")
  if not year then return nil, format("'%s' is no ISO 8601 date", text) end
  local fields = {
    year = tointeger(year), month = tointeger(month), day = tointeger(day), hour = 0, minute = 0, second = 0,
    millisecond = 0,
  }
  if rest ~= "" then
    local hour, minute, more = match(rest, "^[Tt ](%d%d):(%d%d)(.*)$")
    if not hour then return nil, format("'%s' is no ISO 8601 time", text) end
    fields.hour, fields.minute = tointeger(hour), tointeger(minute)
    local second, further = match(more, "^:(%d%d)(.*)$")
    if second then
      fields.second, more = tointeger(second), further
      local fraction, behind = match(more, "^[.,](%d+)(.*)$")
      if fraction then fields.millisecond, more = fraction_of(fraction), behind end
    end
    if more ~= "" then
      local offset, last = read_offset(more, 1)
      if not offset or last <= #more then return nil, format("'%s' is no ISO 8601 time", text) end
      fields.offset = offset
    end
  end
  return at_of(fields, zone)
end

--- The time that a text says: by a pattern, or ISO 8601. What it does not say of a zone is taken from `zone`, else UTC.
function time.parse(text, pattern, zone)
  errors.expect(text, "string", 'aikit.time.parse("2026-12-24T18:00:00+01:00")')
  if pattern ~= nil then
    errors.expect(pattern, "string", 'aikit.time.parse("24.12.2026", "%d.%m.%Y", "Europe/Oslo")')
  end
  local at, why
  if pattern then at, why = parse_by(text, pattern, zone) else at, why = parse_iso(text, zone) end
  if at then return at end
  return part("host").fail { code = "invalid_time", message = "aikit.time.parse: " .. why, retryable = false }
end

-- Reckoning -----------------------------------------------------------------------------------------------------------

-- More than all the milliseconds from the first year to the last.
local MOST_ADDED = 1000000000000000
local PARTS = { "years", "months", "weeks", "days", "hours", "minutes", "seconds", "milliseconds" }

--- A time moved: by calendar (years, months, weeks and days, as clocks of the zone show it), then by what always takes
--- as long. A day that the month does not have becomes its last.
function time.add(at, amount, zone)
  at = checked(at, "add")
  errors.known(errors.expect(amount, "table", "aikit.time.add(at, { months = 1 })"), PARTS, "aikit.time.add")
  local by = {}
  for _, name in ipairs(PARTS) do
    local value = amount[name] or 0
    by[name] = type(value) == "number" and tointeger(value) or nil
    if not by[name] or by[name] > MOST_ADDED or by[name] < -MOST_ADDED then
      misuse("aikit.time.add: `%s` takes an integer from %d to %d, got %s", name, -MOST_ADDED, MOST_ADDED,
        errors.shown(value))
    end
  end
  if by.years ~= 0 or by.months ~= 0 or by.weeks ~= 0 or by.days ~= 0 then
    local fields = fields_of(at, zone)
    local months = (fields.year + by.years) * 12 + fields.month - 1 + by.months
    local year, month = months // 12, months % 12 + 1
    if year < -10000 or year > 20000 then checked(LAST + 1, "add") end
    local last = days_in(year, month)
    local days = days_of(year, month, fields.day < last and fields.day or last) + by.weeks * 7 + by.days
    if days < -10000000 or days > 10000000 then checked(LAST + 1, "add") end
    local here = days * DAY + fields.hour * 3600 + fields.minute * 60 + fields.second
    at = instant_of(here, zone) * 1000 + fields.millisecond
  end
  return checked(at + by.hours * 3600000 + by.minutes * 60000 + by.seconds * 1000 + by.milliseconds, "add")
end

--- How much later `b` is than `a`, in a unit: ms, s, m, h or d; seconds unless given.
function time.diff(a, b, unit)
  local factor = UNITS[unit or "s"]
  if not factor then misuse('aikit.time.diff: a unit is "ms", "s", "m", "h" or "d", got %s', errors.shown(unit)) end
  local passed = checked(b, "diff") - checked(a, "diff")
  return passed % factor == 0 and passed // factor or passed / factor
end

return objects.namespace("aikit.time", time)
