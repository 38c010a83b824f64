-- Documentation of the context of callbacks, and of what it takes and gives. See docs.lua for the form.
return {
  {
    name = "aikit.Context", instance = "context",
    text = "What every callback gets as its last argument. It is valid until the callback returns.",
    fields = {
      "workflow_id string  The workflow's id.",
      "run_id string  The run's id.",
      "step_id string  The step's id.",
      "path string  Where the step is in the workflow: `alerts[2]/translate`.",
      "trace { trace_id: string, span_id: string, traceparent: string }  Where the step stands in the run's trace, or the span of "
        .. "`context:span` around the call; `traceparent` is W3C's header.",
      "attempt integer  Which try this is, from 1.",
      "occurrence integer  How often this step has begun in the run, from 1.",
      "idempotency_key string  The same at every attempt, in every process: for services that must act only once.",
      "iteration? integer  In a loop or a foreach, which iteration this is, from 1.",
      "initial_input any  The run's own input, validated.",
      "input any  The input of the construct whose callback this is.",
      "ctx table  Shared values, read-only: change them with `context:update_ctx`.",
      "store table  JSON values by name that live as long as the run. What is written into a table of it is kept too, "
        .. "`context.store.seen[id] = true`, when the handler waits or ends. Steps that run beside each other each have "
        .. "their own table under a name: the last one that changes it wins. `pairs` goes through all of them.",
      "signal aikit.Signal  Whether the run is being cancelled.",
    },
    methods = {
      {
        "emit", "Publishes an event: watchers see it as `step:event`.",
        "event aikit.Event  The event.",
        example = [[context:emit { type = "progress", data = { done = 3, total = 10 } }]],
      },
      { "get_metadata", "The run's metadata.", returns = "table  A copy." },
      {
        "update_metadata", "Merges what the function returns into the run's metadata, key by key.",
        "change (fun(metadata: table): table)|table  Gets a copy of the metadata; or the table to merge.",
        example = [[context:update_metadata(function(m) m.source = "cache"; return m end)]],
      },
      {
        "update_ctx", "Replaces ctx by what the function returns. Not possible in a body that runs beside others.",
        "change (fun(ctx: table): table)|table  Gets a copy of ctx; or the new one.",
        example = [[context:update_ctx(function(c) c.total = c.total + 1; return c end)]],
      },
      { "get_tags", "What the run is found by.", returns = "table  A copy." },
      {
        "set_tags", "Has the run found by these tags besides those that it has; `aikit.null` takes one away. A run has at most "
          .. "32 tags, whose names take 64 bytes and whose texts take 256.",
        "changes table<string, string|number|boolean>  Names with their values.",
        example = [[context:set_tags { region = order.region, paid = true }]],
      },
      {
        "once", "Runs a function once for this start of the step and records its result before the handler goes on; at a later "
          .. "attempt, or after a crash, the recorded result is given back. Handlers of steps alone have it.",
        "name string  What is recorded under; each name may be used once in a call.",
        "body fun(): any  What happens once; its error is raised and records nothing. What it returns takes 8 MiB at most.",
        returns = "any  What the function returned, as JSON keeps it.",
        example = [[local charge = context:once("charge", function() return pay(order) end)]],
      },
      {
        "restart", "Ends the run and begins another one of the same workflow with this input and an empty journal: for loops that "
          .. "live for ever. Metadata, ctx and tags go along; `context.store` does not. It does not return. See the guide to "
          .. "durability.",
        "input any  The input of the run that follows, which is called `ID~2`, `ID~3` ….",
        example = [[context:restart { cursor = page.next }]],
      },
      {
        "stream", "Tells whoever watches the run of something at once, as `step:delta`. Nobody records it.",
        "data any  What to tell.",
        example = [[context:stream { kind = "text", text = "Once upon" }]],
      },
      {
        "set_attribute", "Adds an attribute to the step's span. See the guide to telemetry.",
        "name string  The attribute's name; those of the engine's own attributes, such as `gen_ai.…`, are refused.",
        "value string|number|boolean  Its value; the last one of a name counts.",
        example = [[context:set_attribute("customer", order.customer)]],
      },
      {
        "span", "Runs a function in a span of its own, below the step's or the one around it. A coroutine, and a function of "
          .. "`aikit.all`, begins in the span that was open where it was made.",
        "name string  The span's name.",
        "attributes? table  Names with texts, numbers and booleans; may be left out.",
        "body fun(): any  What happens in the span; an error goes on after the span has told of it.",
        returns = "any  What the function returns.",
        example = [[local price = context:span("price", { items = 3 }, function() return quote(order) end)]],
      },
      {
        "log", "Keeps an entry of the run's log: an event `log` of the run, which is shown on standard error besides.",
        "level aikit.Level  How important it is.", "message string  What to say.", "fields? table  Values that belong to it.",
        example = [[context:log("warn", "slow answer", { seconds = 4 })]],
      },
    },
  },
  {
    name = "aikit.Event", text = "What `context:emit` takes.",
    fields = { "type string  The name of the event.", "data? any  What belongs to it." },
  },
  {
    name = "aikit.Signal", text = "Whether the run is being cancelled; look at it in long computations.",
    fields = { "aborted boolean  Whether it is.", "reason? string  Why." },
  },
  {
    name = "aikit.Failure", text = "What `aikit.fail` takes. The error of a step has these fields, and `step` and `traceback`.",
    fields = {
      "code? string  A short name for programs.", "message? string  A sentence for people.",
      "retryable? boolean  `false` ends the step at once; otherwise its retry policy decides.",
      "retry_after? aikit.Duration  The least wait before the next attempt, up to a day; see `answer.retry_after`.",
      "details? any  Whatever else helps.",
    },
  },
  { name = "aikit.Null", text = "The type of `aikit.null`." },
}
