-- The texts that are made from docs.lua and from a project's workflows: stubs for editors, and the reference.
local _, part = ...
local errors = part "errors"
local concat = table.concat
local find, gmatch, gsub, match = string.find, string.gmatch, string.gsub, string.match

--- Takes "name type  text" apart; a name that ends in "?" may be left out.
local function parse(line)
  local name, kind, text = match(line, "^(%S+) (.-)  (.+)$")
  local bare = gsub(name, "%?$", "")
  return { name = bare, optional = bare ~= name, type = kind, text = text, label = name }
end

local function parameters(entry)
  local list, names = {}, {}
  for index = 3, #entry do
    list[#list + 1] = parse(entry[index])
    names[#names + 1] = list[#list].name
  end
  return list, names
end

--- "type  text" of what a function returns.
local function returned(entry)
  if entry.returns then return match(entry.returns, "^(.-)  (.+)$") end
end

local function is_namespace(section) return find(section.name, "^aikit$") or find(section.name, "^aikit%.%l") end

-- Stubs for LuaLS ----------------------------------------------------------------------------------------------------

local function function_stub(out, entry, prefix)
  local list, names = parameters(entry)
  out[#out + 1] = "---" .. entry[2]
  if entry.example then
    out[#out + 1] = "---```lua"
    for line in gmatch(entry.example, "[^\n]+") do out[#out + 1] = "---" .. line end
    out[#out + 1] = "---```"
  end
  for _, parameter in ipairs(list) do
    out[#out + 1] = "---@param " .. parameter.label .. " " .. parameter.type .. " " .. parameter.text
  end
  local kind, text = returned(entry)
  if kind then out[#out + 1] = "---@return " .. kind .. " # " .. text end
  -- `end` and the like cannot be names after a dot; none of ours is one.
  out[#out + 1] = "function " .. prefix .. entry[1] .. "(" .. concat(names, ", ") .. ") end"
  out[#out + 1] = ""
end

local function stubs(sections, library)
  local out = {
    "---@meta " .. library,
    "-- The library " .. library .. ", for the Lua language server. Made by `aikit-lua types`.",
    "",
  }
  for _, section in ipairs(sections) do
    for _, line in ipairs(section.aliases or {}) do
      local alias = parse(line)
      out[#out + 1] = "---" .. alias.text
      out[#out + 1] = "---@alias " .. alias.name .. " " .. alias.type
      out[#out + 1] = ""
    end
    out[#out + 1] = "---" .. section.text
    out[#out + 1] = "---@class " .. section.name .. (section.extends and ": " .. section.extends or "")
    for _, line in ipairs(section.fields or {}) do
      local field = parse(line)
      out[#out + 1] = "---@field " .. field.label .. " " .. field.type .. " " .. field.text
    end
    local name = gsub(section.name, "%.", "_")
    out[#out + 1] = "local " .. name .. " = {}"
    out[#out + 1] = ""
    for _, entry in ipairs(section.functions or {}) do function_stub(out, entry, name .. ".") end
    for _, entry in ipairs(section.methods or {}) do function_stub(out, entry, name .. ":") end
  end
  return out
end

local function library_stubs()
  local out = stubs(part "docs", "aikit")
  out[#out + 1] = "return aikit"
  return concat(out, "\n") .. "\n"
end

--- The library of tests, its globals, and what it adds to steps.
local function test_stubs()
  local out = stubs(part "docs_testing", "aikit.test")
  for _, name in ipairs { "describe", "it", "expect", "before_all", "before_each", "after_all", "after_each" } do
    out[#out + 1] = name .. " = aikit_test." .. name
  end
  out[#out + 1] = "test = aikit_test"
  out[#out + 1] = ""
  out[#out + 1] = "---@class aikit.Node"
  out[#out + 1] = "---@field run fun(self, input: any, options?: aikit.TestOptions): any, aikit.TestRun Runs it alone."
  out[#out + 1] = ""
  out[#out + 1] = "return aikit_test"
  return concat(out, "\n") .. "\n"
end

-- The reference ------------------------------------------------------------------------------------------------------

local function cell(text) return (gsub(text, "|", "\\|")) end

local function field_table(out, lines, heading)
  out[#out + 1] = "| " .. heading .. " | type | |"
  out[#out + 1] = "|---|---|---|"
  for _, line in ipairs(lines) do
    local field = parse(line)
    out[#out + 1] = "| `" .. field.label .. "` | `" .. cell(field.type) .. "` | " .. cell(field.text) .. " |"
  end
  out[#out + 1] = ""
end

local function function_entry(out, entry, prefix)
  local list, names = parameters(entry)
  for index, parameter in ipairs(list) do names[index] = parameter.label end
  out[#out + 1] = "### `" .. prefix .. entry[1] .. "(" .. concat(names, ", ") .. ")`"
  out[#out + 1] = ""
  out[#out + 1] = entry[2]
  out[#out + 1] = ""
  for _, parameter in ipairs(list) do
    out[#out + 1] = "- `" .. parameter.name .. "` (`" .. parameter.type .. "`): " .. parameter.text
  end
  local kind, text = returned(entry)
  if kind then out[#out + 1] = "- returns `" .. kind .. "`: " .. text end
  if #list > 0 or kind then out[#out + 1] = "" end
  if entry.example then
    out[#out + 1] = "```lua\n" .. entry.example .. "\n```"
    out[#out + 1] = ""
  end
end

local function reference()
  local out = {
    "# Reference of the Lua API", "",
    "Made from the library's own table of documentation; `aikit-lua types` makes editor stubs from the same table.",
    "A name that ends in `?` may be left out.", "",
  }
  local sections = {}
  for _, name in ipairs { "docs", "docs_testing" } do
    for _, section in ipairs(part(name)) do sections[#sections + 1] = section end
  end
  for _, section in ipairs(sections) do
    out[#out + 1] = "## `" .. section.name .. "`"
    out[#out + 1] = ""
    local base = section.extends and " It has everything that `" .. section.extends .. "` has." or ""
    out[#out + 1] = section.text .. base
    out[#out + 1] = ""
    if section.aliases then field_table(out, section.aliases, "alias") end
    if section.fields then field_table(out, section.fields, is_namespace(section) and "value" or "field") end
    local prefix = is_namespace(section) and section.name or section.instance
    for _, entry in ipairs(section.functions or {}) do function_entry(out, entry, prefix .. ".") end
    for _, entry in ipairs(section.methods or {}) do function_entry(out, entry, prefix .. ":") end
  end
  return (gsub(concat(out, "\n"), "\n+$", "")) .. "\n"
end

--- The text in a format: "types", "test-types" and "reference" are of the library, "classes" of a list of definitions.
return function(format, definitions)
  if format == "types" then return library_stubs() end
  if format == "test-types" then return test_stubs() end
  if format == "reference" then return reference() end
  if format == "classes" then return part "types"(definitions) end
  return errors.fail("there is no documentation as '%s'", tostring(format))
end
