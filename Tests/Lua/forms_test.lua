local check, new_bridge = require "check", require "bridge"
local test, equal, raises = check.test, check.equal, check.raises

--- What the host gets for a form that a script makes.
local function form_of(input)
  local bridge = new_bridge()
  bridge.aikit.workflow { id = "w" }:human { id = "h", input = input }:commit()
  return bridge.functions[bridge.plans[1].nodes[1].input]("the context")
end

test("a form is a table of fields", function()
  equal(form_of(function(ask, context)
    equal(context, "the context")
    return ask.form {
      title = "T", submit_label = "Go",
      fields = {
        ask.text { id = "a", label = "A" }, ask.select { id = "b", options = { "x", "y" } }, ask.confirm { id = "c" },
      },
    }
  end), {
    title = "T", submit_label = "Go",
    fields = {
      { id = "a", label = "A", type = "text" }, { id = "b", label = "b", type = "select", options = { "x", "y" } },
      { id = "c", label = "c", type = "confirm" },
    },
  })
end)

test("misuse of a form says how it is written", function()
  local function refused(input, ...) raises(function() form_of(input) end, "forms_test.lua:", ...) end
  refused(function(ask) return ask.form { fields = {} } end, "a form needs fields")
  refused(function(ask) return ask.form { fields = { "text" } } end, "field 1 of the form is a string")
  refused(function(ask) return ask.form { tilte = "x" } end, "did you mean 'title'?")
  refused(function() return "Well?" end, "`input` gives a string, not a form", "return ask.form")
  refused(function(ask) return { ask.text { id = "x" } } end, "`input` gives a table, not a form")
  refused(function() end, "`input` gives nil, not a form")
  refused(function() return { fields = { { id = "q", type = "nope" } } } end, "field 1 of the form is a table")
  refused(function(ask) return ask.text { label = "x" } end, "needs an id")
  refused(function(ask) return ask.select { id = "x" } end, "needs a list of options")
  refused(function(ask) return ask.txt { id = "x" } end, "did you mean 'ask.text'?")
  refused(function(ask)
    return ask.form { fields = { ask.text { id = "x" }, ask.number { id = "x" } } }
  end, "two fields of the form have the id 'x'")
end)

test("kinds of field of other libraries lead to those of this one", function()
  local ask = new_bridge().library "forms"
  for other, own in pairs { checkbox = "confirm", radio = "select", input = "text", integer = "number" } do
    raises(function() return ask[other] end, "write ask." .. own)
  end
end)
