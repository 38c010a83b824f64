-- `ask`: what a human step's `input` builds its form with.
local _, part = ...
local errors, objects = part "errors", part "objects"
local ipairs, pairs, type = ipairs, pairs, type
local misuse = errors.misuse

local ask = {}

-- The kinds of field, and whether they offer options.
local kinds = {
  text = false, textarea = false, number = false, select = true, multiselect = true, confirm = false, date = false,
}

local function check_options(options, kind)
  if type(options) ~= "table" or #options == 0 then
    misuse('ask.%s needs a list of options: write options = { "yes", "no" }', kind)
  end
  errors.count(options, "`options` of ask." .. kind)
  for _, option in ipairs(options) do
    if type(option) == "table" and option.value == nil then
      misuse("an option of ask.%s is a text or { value = …, label = … }", kind)
    end
  end
end

for kind, has_options in pairs(kinds) do
  ask[kind] = function(field)
    local usage = 'ask.' .. kind .. ' { id = "answer", label = "Your answer" }'
    errors.expect(field, "table", usage)
    if type(field.id) ~= "string" or field.id == "" then misuse("a form field needs an id: write %s", usage) end
    if has_options then check_options(field.options, kind) end
    local result = { type = kind }
    for key, value in pairs(field) do result[key] = value end
    result.label = result.label or field.id
    return result
  end
end

--- A form of fields made by the other functions.
function ask.form(form)
  local usage = 'ask.form { title = "…", fields = { ask.text { id = "…", label = "…" } } }'
  errors.expect(form, "table", usage)
  errors.known(form, { "title", "description", "submit_label", "fields" }, "ask.form")
  if type(form.fields) ~= "table" or #form.fields == 0 then misuse("a form needs fields: write %s", usage) end
  errors.count(form.fields, "`fields` of ask.form")
  local seen = {}
  for index, field in ipairs(form.fields) do
    if type(field) ~= "table" or kinds[field.type] == nil then
      misuse("field %d of the form is %s: make it with ask.text, ask.select …", index, errors.kind(field))
    elseif seen[field.id] then
      misuse("two fields of the form have the id '%s'", field.id)
    end
    seen[field.id] = true
  end
  return form
end

return objects.namespace("ask", ask, nil, {
  checkbox = "confirm", boolean = "confirm", toggle = "confirm", switch = "confirm", yes_no = "confirm",
  radio = "select", choice = "select", dropdown = "select", enum = "select", checkboxes = "multiselect",
  input = "text", string = "text", email = "text", password = "text", url = "text", multiline = "textarea",
  integer = "number", int = "number", datetime = "date",
})
