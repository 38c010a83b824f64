-- Documentation of the library of tests, which only test files have. See docs.lua for the form.
local function hook(name, text)
  return { name, text, "body fun()  The function." }
end

return {
  {
    name = "aikit.test",
    text = "The library of tests. Test files have it as the global `test`, and `describe`, `it`, `expect` and the hooks as "
      .. "globals of their own; helper modules write `local test = require \"aikit.test\"`.",
    aliases = { "aikit.Mock any  A function in place of a handler, a constant output, or `{ error = … }`." },
    fields = { "nobody any  In `answers`: nobody answers or sends the event, and time passes until the step's timeout." },
    functions = {
      {
        "describe", "Groups tests. `describe.skip` leaves a group out, `describe.only` leaves all others out.",
        "name string  What is tested.", "body fun()  Registers the tests.",
      },
      {
        "it", "A test. `it.skip` leaves it out, `it.only` leaves all others out; without a body it counts as skipped.",
        "name string  What the code does.", "body? fun()  The test; it fails when it raises an error.",
        example = [[
it("doubles", function()
  expect(double:run { n = 2 }):equals { n = 4 }
end)]],
      },
      {
        "expect", "Begins an expectation.", "value any  The value that is looked at.",
        returns = "aikit.Expectation  Its matchers.",
      },
      hook("before_all", "Runs before the first test of the group."), hook("after_all", "Runs after the last test of the group."),
      hook("before_each", "Runs before each test of the group, the outermost group's first."),
      hook("after_each", "Runs after each test of the group, failed ones too, the innermost group's first."),
      {
        "run", "Runs a whole workflow in the real engine, in virtual time, until it is over or waits for an answer that is not there.",
        "workflow aikit.Committed  The workflow.", "options? aikit.TestOptions  Its input, mocks, answers and signals.",
        returns = "aikit.TestRun  How the run stands.",
        example = [[
local run = test.run(weather, {
  input = { city = "Oslo" },
  mocks = { ["fetch-weather"] = { city = "Oslo", wind = 120 } },
  answers = { approve = { decision = "send" } },
})
expect(run):succeeds { text = "STORM in Oslo" }]],
      },
      {
        "hook", "Has a webhook of a workflow look at a request, as a server does when its signature fits.",
        "workflow aikit.Committed  The workflow.", "id? string  The hook; the only one without it.",
        "options? table  `method`, `path`, `query`, `headers`, and `body` or `json`; what `test.run` takes besides.",
        returns = "aikit.TestRun|table|nil  The run; `{ run_id, event, data }` of a signal; `nil` when nothing comes of it. "
          .. "The second result is the id that the hook gives the run.",
        example = [[
local run, id = test.hook(order, "placed", { json = { order = "7" } })
expect(id):equals "order-7"]],
      },
      {
        "schedule", "Runs a workflow as its schedule begins it, at the next time of the schedule.",
        "workflow aikit.Committed  The workflow.", "id? string  The schedule; the only one without it.",
        "options? aikit.TestOptions  `clock` is the time after which; what `test.run` takes besides.",
        returns = "aikit.TestRun  How the run stands.",
        example = [[local run = test.schedule(report, "weekday", { clock = "2026-03-28" })]],
      },
      {
        "replay", "Runs a workflow on a recorded run, whose results stand in for the steps; fails where the two differ first.",
        "workflow aikit.Committed  The workflow.", "fixture string|table  The recorded run, or its file's path beside the test.",
        "options? { live?: boolean|string[] }  Steps that are to run themselves: all, or these paths and ids.",
        returns = "aikit.TestRun  The run.",
      },
      {
        "http", "Answers HTTP requests for the rest of the test, by method and URL; `*` stands for anything.",
        "stubs table<string, table|fun(request: table): table>  An answer, a list of answers in order, or a function.",
        returns = "aikit.TestHttp  The requests that were made.",
        example = [[
test.http {
  ["GET https://api.example/v1/weather"] = { json = { wind = 12 } },
  ["POST https://api.example/*"] = { { status = 503 }, { error = "connection reset" }, { status = 201 } },
}]],
      },
      {
        "model", "Answers the calls of models for the rest of the test: a list of answers in order, a function for all of them, "
          .. "or either by the name of the model. An answer is text or `{ text, json, tool_calls, reasoning, deltas, usage, "
          .. "finish_reason, error, vectors }`. "
          .. "`{ cassette = \"NAME\" }` gives what `aikit-lua test --record` recorded in `cassettes/NAME.json` beside the file.",
        "answers table|fun(request: table): any  The answers, each a text, a table or a function of the request.",
        returns = "aikit.TestModel  The calls that were made.",
        example = [[
local calls = test.model {
  { tool_calls = { { name = "search", arguments = { query = "leave" } } } },
  { text = "25 days" },
}]],
      },
      {
        "mcp", "Answers the calls of MCP servers for the rest of the test: `{ tools = { NAME = … } }`, each tool a function of its "
          .. "arguments or `{ description?, input_schema?, call }`; or `{ cassette = \"NAME\" }` for what `aikit-lua test "
          .. "--record` recorded in `cassettes/NAME.mcp.json` beside the file.",
        "servers table  The tools, or the recording.", returns = "aikit.TestMcp  The calls that were made.",
        example = [[
test.mcp {
  tools = { add = function(arguments) return { sum = arguments.a + arguments.b } end },
}]],
      },
      {
        "any", "Stands for any value in what is expected.", "kind? string  The type that it must have.",
        returns = "any  The placeholder.",
      },
      {
        "matching", "Stands for a text that matches a Lua pattern, or a value that fits a schema.",
        "pattern string|aikit.Schema  The pattern or the schema.", returns = "any  The placeholder.",
      },
      {
        "containing", "Stands for a text, a list or a table that contains this.", "part any  The part.",
        returns = "any  The placeholder.",
      },
      { "fail", "Ends the test as failed.", "message? string  Why." },
      { "skip", "Ends the test as skipped.", "reason? string  What it lacks." },
      {
        "is_run", "Whether the value is what `test.run` returned.", "value any  The value.", returns = "boolean  Whether it is.",
      },
    },
  },
  {
    name = "aikit.TestOptions", text = "What `test.run` takes after the workflow; `step:run` takes all but `input`, and `store`.",
    fields = {
      "input? any  The workflow's input; `{}` unless given.",
      "mocks? table<string, aikit.Mock>  By path (`risk/warn`, `each[2]/call`) or by id.",
      "answers? table<string, any>  Answers of people by path or id: data, or a function of the step that waits.",
      "signals? table<string, any>  Events and their data, sent when the run begins.",
      "metadata? table  In place of the workflow's.", "ctx? table  Merged over the workflow's.",
      "clock? integer|string  When the run begins: milliseconds since 1970, or `\"2026-01-31T09:00:00Z\"`.",
      "store? table  For `step:run`: what `context.store` holds.",
    },
  },
  {
    name = "aikit.TestRun", instance = "run", text = "A run of a test: its result, and what it did.",
    fields = {
      "status string  `success`, `failed`, `cancelled`, `waiting_human` or `waiting`.", "result? any  The output.",
      "error? table  `{ code, message, … }`.", "steps table<string, table[]>  Snapshots by id.",
      "snapshots table[]  Snapshots in the order of the starts: `{ path, stepId, kind, status, input, output?, … }`.",
      "deltas table[]  What was told and not recorded, in order.", "usage aikit.Usage  What its models used.",
      "events table[]  The events, in order.", "waiting table[]  The steps that wait: `{ path, stepId, kind, … }`.",
      "metadata table  As it is now.", "ctx table  As it is now.", "pendingHuman? table  The first step that waits for a person.",
      "startedAt integer  Milliseconds since 1970, virtual.", "finishedAt? integer  Milliseconds since 1970, virtual.",
    },
    methods = {
      { "step", "The last snapshot of a step.", "path string  Its path or id.", returns = "table?  The snapshot." },
      {
        "spans", "The spans of the run that have ended: `{ name, kind, status, message?, parent?, attributes, events }` each.",
        returns = "table[]  The spans.",
      },
      { "emitted", "What steps emitted under a name.", "name string  The event's name.", returns = "any[]  The payloads." },
      {
        "answer", "Answers the step that waits and goes on; with one argument, the only step that waits.",
        "path string|any  The step, or the answer.", "data? any  The answer.", returns = "aikit.TestRun  The run.",
      },
      {
        "signal", "Sends an event and goes on.", "event string  Its name.", "payload? any  Its data.",
        returns = "aikit.TestRun  The run.",
      },
    },
  },
  {
    name = "aikit.TestHttp", instance = "http", text = "What `test.http` returns.",
    methods = {
      { "requests", "The requests of this test.", returns = "table[]  `{ method, url, headers, body?, json? }` each." },
    },
  },
  {
    name = "aikit.TestMcp", instance = "calls", text = "What `test.mcp` returns.",
    methods = {
      {
        "requests", "The calls of this test.",
        returns = "table[]  `{ server, operation, name?, arguments? }` each; the operation is `tools` or `call`.",
      },
    },
  },
  {
    name = "aikit.TestModel", instance = "calls", text = "What `test.model` returns.",
    methods = {
      {
        "requests", "The calls of this test.",
        returns = "table[]  `{ model, provider, messages, tools?, output_schema?, parameters?, … }` each.",
      },
    },
  },
  {
    name = "aikit.Expectation", instance = "expect(value)",
    text = "The matchers. `expect(value).never:…` turns one round. Each returns the expectation, so that another may follow; "
      .. "the names `to_equal`, `to_be`, `to_contain`, `to_match` and the like are there too.",
    fields = { "never aikit.Expectation  The same, turned round." },
    methods = {
      { "equals", "Equal, tables by their contents; the report lists each difference by its path.", "expected any  The value." },
      { "is", "The very same value.", "expected any  The value." },
      { "is_nil", "Nil." }, { "is_true", "True." }, { "is_false", "False." },
      { "is_a", "Of a type.", "kind string  `string`, `table`, `integer` …" },
      { "contains", "A text that has a part, a list with an item, a table with these fields.", "part any  The part." },
      { "matches", "A text that matches a Lua pattern, or a value that fits a schema.", "pattern string|aikit.SchemaLike  Which." },
      { "has_length", "As many items, fields or bytes.", "length integer  How many." }, { "is_empty", "No items, fields or bytes." },
      { "is_greater_than", "A greater number.", "bound number  Than this." },
      { "is_less_than", "A lesser number.", "bound number  Than this." },
      { "is_close_to", "Nearly this number.", "number number  The number.", "tolerance? number  1e-9 unless given." },
      { "fails", "A function that raises an error, or a run that failed." },
      { "fails_with", "The same, with this error.", "error string|table  A part of its message, or its fields." },
      { "succeeds", "A run that succeeded.", "result? any  With this result." },
      { "ran", "A run in which a step ran.", "path string  Its path or id." },
      { "waits_for", "A run that waits.", "path string  The step's path or id, or the event." },
      {
        "emitted", "A run with an event of a step (by its name) or of the engine (by its type).",
        "event string|table  `{ type, data?, path? }`, of which parts may be left out.", "data? any  A part of its data.",
      },
      {
        "traced", "A run with a span of this name, or with one that has these parts.",
        "span string|table  Its name, or a part of `{ name, kind, status, message, parent, attributes, events }`, with "
          .. "placeholders where any value will do.",
      },
    },
  },
}
