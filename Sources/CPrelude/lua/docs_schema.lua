-- Documentation of `aikit.schema`. See docs.lua for the form.
local SCHEMA = "aikit.Schema  The schema."

--- A method of a schema: its result is of the same class.
local function method(class, name, text, ...)
  return { name, text, returns = class .. "  A changed copy.", ... }
end

local function methods(class, list)
  local result = {}
  for index, entry in ipairs(list) do result[index] = method(class, table.unpack(entry)) end
  return result
end

local every = methods("self", {
  { "optional", "The value may be missing: a field of an object, or the whole value where a step returns nothing." },
  { "nullable", "The value may be null; in an object it may be missing, too." },
  { "default", "A missing value becomes this one.", "value any  The value." },
  { "describe", "Says what the value is for.", "text string  A sentence." },
  {
    "refine", "Adds a check of your own, run on values that pass the rest; after a `:transform` it sees what that made.",
    "check fun(value: any): boolean, string?  Whether the value is good, and, if it is not, why.",
    "options? string|aikit.RefineOptions  What to say about a value that is refused.",
  },
  { "transform", "Replaces a value that passes by what the function returns. What the schema itself says is checked before, "
      .. "wherever it stands in the chain: `:transform(f):min(3)` checks the text that `f` gets. For what `f` returns add "
      .. "a `:refine` after it.", "change fun(value: any): any  The function." },
  { "secret", "Keeps the value out of traces and logs, where `[secret]` stands for it; JSON Schema says `writeOnly`." },
})
every[5].example = [[s.string():refine(function(text) return text == text:reverse() end, "must read the same backwards")]]
every[6].example = [[s.string():transform(function(text) return #text end)]]
every[#every + 1] = { "array", "A list of such values.", returns = "aikit.ArraySchema  A new schema." }
every[#every + 1] = {
  "parse", "The value with defaults, coercions and transformations applied; a value that does not fit is an error.",
  "value any  The value.", returns = "any  The value that the rest of the program works with.",
}
every[#every + 1] = {
  "safe_parse", "Like `:parse`, but says in its result whether the value fits.", "value any  The value.",
  returns = "aikit.Parsed  The value, or what is wrong with it.",
}
every[#every + 1] = {
  "validate", "Whether the value fits.", "value any  The value.",
  returns = "boolean, aikit.Issue[]?  Whether it does, and every problem if it does not.",
}
every[#every + 1] = {
  "json_schema", "The schema as plain JSON Schema, without what functions of the script do.",
  "options? { target: \"strict\"|\"openai\" }  The form that model providers ask for: closed objects, every field required "
    .. "and nullable where it may be missing, no keyword that they refuse. What cannot be said in it is an error.",
  returns = "table  A new table.",
}

local strings = methods("aikit.StringSchema", {
  { "min", "At least so many characters.", "length integer  How many." },
  { "max", "At most so many characters.", "length integer  How many." },
  { "length", "Exactly so many characters.", "length integer  How many." },
  { "nonempty", "At least one character." },
  { "pattern", "Matches a regular expression (ECMA-262, as in JSON Schema; not a Lua pattern).", "regex string  The expression." },
  { "starts_with", "Begins with a text.", "text string  The text." },
  { "ends_with", "Ends with a text.", "text string  The text." },
  { "includes", "Contains a text.", "text string  The text." },
  { "email", "A mail address." }, { "url", "An absolute URL." }, { "uuid", "A UUID." },
  { "ip", "An IP address.", "version? \"v4\"|\"v6\"  Either unless given." },
  { "datetime", "A date with a time and an offset, as in RFC 3339." }, { "date", "A date: `2026-01-31`." },
  { "time", "A time with an offset: `12:30:00Z`." }, { "base64", "Bytes in base64." },
  { "trim", "Removes white space at both ends before anything is checked." },
  { "lower", "Makes letters small before anything is checked." },
  { "upper", "Makes letters capital before anything is checked." },
})

local numbers = methods("aikit.NumberSchema", {
  { "min", "This or more.", "bound number  The bound." }, { "max", "This or less.", "bound number  The bound." },
  { "gt", "More than this.", "bound number  The bound." }, { "lt", "Less than this.", "bound number  The bound." },
  { "positive", "More than 0." }, { "negative", "Less than 0." },
  { "nonnegative", "0 or more." }, { "nonpositive", "0 or less." },
  { "multiple_of", "A multiple of this.", "factor number  The factor." },
  { "safe", "A number that a double holds exactly: between -(2^53 - 1) and 2^53 - 1." },
  { "finite", "A finite number, which every number in JSON is." },
})

local lists = methods("aikit.ArraySchema", {
  { "min", "At least so many items.", "count integer  How many." }, { "max", "At most so many items.", "count integer  How many." },
  { "length", "Exactly so many items.", "count integer  How many." }, { "nonempty", "At least one item." },
  { "unique", "No item twice." },
  { "contains", "At least one item that fits another schema.", "item aikit.SchemaLike  The schema." },
})

local objects = methods("aikit.ObjectSchema", {
  { "strict", "Refuses fields that it does not name." }, { "strip", "Drops fields that it does not name, which is the rule." },
  { "passthrough", "Keeps fields that it does not name." },
  { "catchall", "Keeps fields that it does not name, if they fit a schema.", "other aikit.SchemaLike  The schema." },
  { "extend", "Adds or replaces fields.", "fields table<string, aikit.SchemaLike>  The fields." },
  { "merge", "Adds the fields of another object; where both have one, the other's is taken.",
    "other aikit.ObjectSchema  The other." },
  { "pick", "Keeps only some fields.", "names string[]  Their names." },
  { "omit", "Leaves out some fields.", "names string[]  Their names." },
  { "partial", "Makes fields optional.", "names? string[]  Their names; all unless given." },
  { "required", "Makes optional fields required.", "names? string[]  Their names; all unless given." },
})
objects[#objects + 1] = { "keyof", "An enum of the names of the fields.", returns = "aikit.Schema  A new schema." }

local function coerced(name, class, text)
  return { name, text, returns = class .. "  The schema." }
end

return {
  {
    name = "aikit.schema", text = "What values must look like: `local s = aikit.schema`. Schemas never change.",
    fields = { "coerce aikit.schema.coerce  Schemas that turn what they get into their type first." },
    functions = {
      { "string", "A text.", returns = "aikit.StringSchema  The schema.", example = [[s.string():trim():min(1):max(80)]] },
      { "number", "A number.", returns = "aikit.NumberSchema  The schema.", example = [[s.number():min(0):lt(100)]] },
      { "integer", "A number without a fraction.", returns = "aikit.NumberSchema  The schema." },
      { "boolean", "True or false.", returns = SCHEMA },
      { "null", "Nothing.", returns = SCHEMA },
      { "any", "Whatever it is, or nothing.", returns = SCHEMA },
      { "literal", "Exactly this value.", "value string|number|boolean|nil  The value.", returns = SCHEMA },
      { "enum", "One of these values.", "values (string|number|boolean)[]  The values.", returns = SCHEMA,
        example = [[s.enum { "low", "high" }]] },
      { "array", "A list.", "item? aikit.SchemaLike  What each item must look like.",
        returns = "aikit.ArraySchema  The schema.", example = [[s.array(s.integer()):nonempty():unique()]] },
      { "tuple", "A list with a schema for each place.", "items aikit.SchemaLike[]  The schemas.",
        returns = "aikit.TupleSchema  The schema.", example = [[s.tuple { s.string(), s.number() }]] },
      { "object", "A table with these fields.", "fields table<string, aikit.SchemaLike>  The fields.",
        returns = "aikit.ObjectSchema  The schema.",
        example = [[s.object { name = s.string(), age = s.integer():optional() }]] },
      { "record", "A table from texts to values of one kind.",
        "key_or_value aikit.SchemaLike  The schema of the keys, if there are two arguments; else of the values.",
        "value? aikit.SchemaLike  The schema of the values.", returns = SCHEMA, example = [[s.record(s.number())]] },
      { "union", "A value that fits one of these schemas.", "options aikit.SchemaLike[]  The schemas.", returns = SCHEMA,
        example = [[s.union { s.string(), s.number() }]] },
      { "discriminated_union", "One of some objects, told apart by a field that is a literal in each.",
        "field string  The field.", "options aikit.SchemaLike[]  The objects.", returns = SCHEMA,
        example = [[
s.discriminated_union("type", {
  s.object { type = s.literal "mail", to = s.string():email() },
  s.object { type = s.literal "call", number = s.string() },
})]] },
      { "intersection", "A value that fits both schemas; two objects become one.",
        "left aikit.SchemaLike  One.", "right aikit.SchemaLike  The other.", returns = SCHEMA },
      { "lazy", "A schema that is made when it is needed, so that it can hold itself.",
        "make fun(): aikit.SchemaLike  Returns the schema.", returns = SCHEMA,
        example = [[
local tree
tree = s.object { name = s.string(), children = s.array(s.lazy(function() return tree end)) }]] },
      { "json", "JSON Schema (draft 2020-12) as a schema with all its methods.", "schema table|string|boolean  A table, or JSON text.",
        returns = SCHEMA, example = [[s.json { type = "string", format = "email" }]] },
    },
  },
  {
    name = "aikit.schema.coerce", text = "Schemas for values that come as text, as from forms, queries and files.",
    functions = {
      coerced("string", "aikit.StringSchema", "A text, made out of any number or boolean."),
      coerced("number", "aikit.NumberSchema", "A number, read from a text."),
      coerced("integer", "aikit.NumberSchema", "A number without a fraction, read from a text."),
      coerced("boolean", "aikit.Schema", "True or false, read from a text or a number."),
    },
  },
  { name = "aikit.Schema", instance = "schema", text = "Any schema. Each method returns a changed copy.", methods = every },
  { name = "aikit.StringSchema", instance = "schema", extends = "aikit.Schema", text = "The schema of a text.", methods = strings },
  { name = "aikit.NumberSchema", instance = "schema", extends = "aikit.Schema", text = "The schema of a number.", methods = numbers },
  { name = "aikit.ArraySchema", instance = "schema", extends = "aikit.Schema", text = "The schema of a list.", methods = lists },
  {
    name = "aikit.TupleSchema", instance = "schema", extends = "aikit.Schema", text = "The schema of a list by places.",
    methods = { method("aikit.TupleSchema", "rest", "Allows more items, of one schema.", "item aikit.SchemaLike  The schema.") },
  },
  { name = "aikit.ObjectSchema", instance = "schema", extends = "aikit.Schema", text = "The schema of a table.", methods = objects },
  {
    name = "aikit.RefineOptions", text = "What `:refine` takes in place of a message.",
    fields = {
      "message? string  What to say about a value that is refused.",
      "path? string|(string|integer)[]  The field of the value that is to blame, or the way to it.",
    },
  },
  {
    name = "aikit.Parsed", text = "What `:safe_parse` returns.",
    fields = {
      "success boolean  Whether the value fits.", "data? any  The value, if it does.",
      "issues? aikit.Issue[]  Every problem, if it does not.",
      "message? string  What is wrong, for people: the problem with its path, or a line with their number and one for each.",
    },
  },
  {
    name = "aikit.Issue", text = "One problem with a value.",
    fields = {
      "path string  Where it is, as a script writes it: `items[3].price`; empty for the value itself.",
      "code string  A short name for programs, mostly one of zod's: `too_small`, `invalid_type` …",
      "message string  What is wrong, for people.",
      "expected string  What the schema asks for.", "received string  What came.",
      "pointer string  Where it is, as a JSON pointer.", "keywordLocation string  The keyword that refuses, in the schema.",
    },
  },
}
