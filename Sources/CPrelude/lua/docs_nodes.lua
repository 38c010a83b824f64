-- Documentation of the tables that nodes are made from, and of forms. See docs.lua for the form.
return {
  {
    name = "aikit.Node", instance = "node", text = "A step, or another construct made for a body. It never changes.",
    fields = { "id string  Its id.", "kind string  `step`, `branch`, `loop` …", "description? string  Its description." },
  },
  {
    name = "aikit.StepConfig", text = "What `aikit.step` and `:step` take.",
    fields = {
      "id string  The step's name, unique among its neighbours.",
      "handler fun(input: any, context: aikit.Context): any  Does the work and returns the output.",
      "description? string  What it is for.",
      "permissions? false|aikit.Permissions  What it and all in it may do of what the run may.",
      "telemetry? boolean|aikit.StepTelemetry  What its spans have; `false` leaves inputs and outputs out.",
      "input_schema? aikit.SchemaLike  What the input must look like.",
      "output_schema? aikit.SchemaLike  What the output must look like.",
      "next? string|fun(output: any, context: aikit.Context): string?  The id of the step to go on with, if not the next one.",
      "retry? aikit.Retry  What happens when the handler fails.",
      "timeout? aikit.Duration  How long one attempt may take, its schemas' functions included; 0 for any time. "
        .. "Without one it may use 60 s of CPU time.",
      "compensate? fun(output: any, input: any, context: aikit.Context): any  Undoes the step when its run fails or is "
        .. "cancelled later; tried again by `retry`, within `timeout`.",
    },
  },
  {
    name = "aikit.Retry", text = "How often a failed step is tried again, and how long it waits before it is.",
    fields = {
      "max_attempts? integer  How often in all, the first attempt included; 3 unless given.",
      "backoff? \"constant\"|\"linear\"|\"exponential\"  How the wait grows; `exponential` unless given.",
      "initial? aikit.Duration  The first wait; 200 ms unless given.",
      "max? aikit.Duration  The longest wait; a minute unless given, or `initial` where that is longer.",
      "factor? number  By how much an exponential wait grows, from 1 to 1000; 2 unless given.",
      "jitter? number  By which share the wait is varied at random, from 0 to 1; 0 unless given.",
    },
  },
  {
    name = "aikit.BranchConfig", text = "What `aikit.branch` and `:branch` take.",
    fields = {
      "id string  The branch's name.",
      "resolve fun(input: any, context: aikit.Context): string|integer|nil  The name or the index of a case; nil: none.",
      "cases table<string, aikit.Body>|aikit.Body[]  A body by name, or a list of bodies.",
      "otherwise? aikit.Body  Runs when `resolve` returns nil; without it the input goes on.",
      "description? string  What it is for.",
      "permissions? false|aikit.Permissions  What it and all in it may do of what the run may.",
      "telemetry? boolean|aikit.StepTelemetry  What its spans have; `false` leaves inputs and outputs out.",
    },
  },
  {
    name = "aikit.LoopConfig", text = "What `aikit.loop` and `:loop` take. The output is `{ last_result, all_results }`.",
    fields = {
      "id string  The loop's name.",
      "step aikit.Body  The body.",
      "condition fun(current: any, context: aikit.Context): boolean  Whether to go on; asked before each iteration.",
      "max_iterations? integer  To run longer is an error.",
      "prepare_next_input? fun(current: any, context: aikit.Context): any  Makes the input of the next iteration.",
      "collect? fun(results: any[], context: aikit.Context): any  Makes the output.",
      "description? string  What it is for.",
      "permissions? false|aikit.Permissions  What it and all in it may do of what the run may.",
      "telemetry? boolean|aikit.StepTelemetry  What its spans have; `false` leaves inputs and outputs out.",
    },
  },
  {
    name = "aikit.ForeachConfig", text = "What `aikit.foreach` and `:foreach` take. The output is the list of results; with "
      .. "`on_error = \"continue\"` it is `{ results, errors }`.",
    fields = {
      "id string  The foreach's name.",
      "items fun(input: any, context: aikit.Context): any[]  The list.",
      "step aikit.Body  The body, whose input is an item.",
      "concurrency? integer  How many items at a time; 1 unless given.",
      "collect? fun(results: any[], context: aikit.Context, errors?: table[]): any  Makes the output; results come in the "
        .. "order of items, and errors as `{ index, code, message, … }` where the foreach goes on after them.",
      "on_error? \"fail-fast\"|\"continue\"  Whether the first error ends the whole, or each item runs to its end and one "
        .. "that failed has `aikit.null` for its result.",
      "description? string  What it is for.",
      "permissions? false|aikit.Permissions  What it and all in it may do of what the run may.",
      "telemetry? boolean|aikit.StepTelemetry  What its spans have; `false` leaves inputs and outputs out.",
    },
  },
  {
    name = "aikit.ParallelConfig", text = "What `aikit.parallel` and `:parallel` take. The output is the results by name.",
    fields = {
      "id string  The name of the whole.",
      "branches table<string, aikit.Body>|aikit.Body[]  A body by name, or a list of bodies.",
      "aggregate? fun(results: table, context: aikit.Context): any  Makes the output.",
      "on_error? \"fail-fast\"|\"wait-all\"  Whether the first error ends all branches at once, or each runs to its end.",
      "description? string  What it is for.",
      "permissions? false|aikit.Permissions  What it and all in it may do of what the run may.",
      "telemetry? boolean|aikit.StepTelemetry  What its spans have; `false` leaves inputs and outputs out.",
    },
  },
  {
    name = "aikit.HumanConfig", text = "What `aikit.human` and `:human` take. The output is the answer.",
    fields = {
      "id string  The step's name.",
      "output? fun(current: any, context: aikit.Context): any  What the person is shown.",
      "input? fun(ask: aikit.Ask, context: aikit.Context): aikit.Form  What the person is asked.",
      "response_schema? aikit.SchemaLike  What the answer must look like.",
      "timeout? aikit.Duration  How long to wait for it.",
      "default? any  The answer that is taken when the time is over.",
      "description? string  What it is for.",
      "permissions? false|aikit.Permissions  What it and all in it may do of what the run may.",
      "telemetry? boolean|aikit.StepTelemetry  What its spans have; `false` leaves inputs and outputs out.",
    },
  },
  {
    name = "aikit.DelayConfig", text = "What `aikit.delay` and `:delay` take. The output is the input.",
    fields = {
      "id string  The timer's name.",
      "duration aikit.Duration|fun(input: any, context: aikit.Context): aikit.Duration  How long.",
      "description? string  What it is for.",
      "permissions? false|aikit.Permissions  What it and all in it may do of what the run may.",
      "telemetry? boolean|aikit.StepTelemetry  What its spans have; `false` leaves inputs and outputs out.",
    },
  },
  {
    name = "aikit.WaitForConfig", text = "What `aikit.wait_for` and `:wait_for` take. The output is the event's data.",
    fields = {
      "id string  The step's name.",
      "event string  The name of the event.",
      "timeout? aikit.Duration  How long to wait for it.",
      "response_schema? aikit.SchemaLike  What the event's data must look like.",
      "description? string  What it is for.",
      "permissions? false|aikit.Permissions  What it and all in it may do of what the run may.",
      "telemetry? boolean|aikit.StepTelemetry  What its spans have; `false` leaves inputs and outputs out.",
    },
  },
  {
    name = "aikit.Ask", instance = "ask", text = "Builds the form of a human step: the first argument of `input`.",
    functions = {
      {
        "form", "A form.", "form aikit.Form  Its title and its fields.", returns = "aikit.Form  The form.",
        example = [[
ask.form {
  title = "Send it?",
  fields = {
    ask.text { id = "comment", label = "Comment" },
    ask.select { id = "decision", label = "Decision", options = { "send", "drop" } },
  },
}]],
      },
      { "text", "A line of text.", "field aikit.Field  The field.", returns = "aikit.Field  The field." },
      { "textarea", "A text of several lines.", "field aikit.Field  The field.", returns = "aikit.Field  The field." },
      { "number", "A number.", "field aikit.Field  The field.", returns = "aikit.Field  The field." },
      { "select", "One of some options.", "field aikit.OptionField  The field.", returns = "aikit.Field  The field." },
      { "multiselect", "Any of some options.", "field aikit.OptionField  The field.", returns = "aikit.Field  The field." },
      { "confirm", "Yes or no.", "field aikit.Field  The field.", returns = "aikit.Field  The field." },
      { "date", "A day, like `2026-01-31`.", "field aikit.Field  The field.", returns = "aikit.Field  The field." },
    },
  },
  {
    name = "aikit.Form", text = "What `ask.form` takes.",
    fields = {
      "fields aikit.Field[]  The fields.",
      "title? string  The heading.", "description? string  What it is about.", "submit_label? string  The text of the button.",
    },
  },
  {
    name = "aikit.Field", text = "A field of a form.",
    fields = {
      "id string  The key of the answer.", "label? string  What the person reads; the id unless given.",
      "description? string  A longer explanation.", "required? boolean  Whether it must be answered.",
      "default? any  The answer to begin with.", "placeholder? string  A hint inside an empty field.",
    },
  },
  {
    name = "aikit.OptionField", extends = "aikit.Field", text = "A field of a form with options.",
    fields = { "options (string|aikit.Option)[]  What there is to choose from." },
  },
  {
    name = "aikit.Option", text = "An option whose value is not its text.",
    fields = { "value string|number|boolean  What is answered.", "label? string  What the person reads." },
  },
}
