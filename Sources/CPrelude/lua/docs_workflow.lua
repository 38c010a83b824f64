-- Documentation of the library's first page, of workflows and of the context. See docs.lua for the form.
return {
  {
    name = "aikit", text = "The library: `local aikit = require \"aikit\"`.",
    aliases = {
      "aikit.Duration number|string  Seconds, or a text with its unit: `\"200ms\"` `\"10s\"` `\"5m\"` `\"2h\"` `\"30d\"`.",
      "aikit.Body aikit.Node|aikit.Node[]  A node, or a list of nodes that run one after the other.",
      "aikit.SchemaLike aikit.Schema|table  A schema, or a table of JSON Schema (draft 2020-12).",
      "aikit.Level \"debug\"|\"info\"|\"warn\"|\"error\"  How important a line of the log is.",
    },
    fields = {
      "schema aikit.schema  What values must look like.",
      "http aikit.http  Requests over HTTP.", "fs aikit.fs  Files and folders.", "env aikit.env  The host's environment.",
      "time aikit.time  The calendar.", "crypto aikit.crypto  Digests, and bytes as text.",
      "csv aikit.csv  Tables as text.", "text aikit.text  Texts with values in them.",
      "json aikit.json  JSON text.",
      "log aikit.log  Lines for standard error.",
      "null aikit.Null  JSON null inside a list; a field of a table that is null is simply absent.",
      "version string  The version of the engine.",
    },
    functions = {
      {
        "workflow", "Starts a workflow; add nodes to it by its methods and end the chain with `:commit()`.",
        "config aikit.WorkflowConfig  The workflow's own properties.",
        returns = "aikit.Workflow  The chain.",
        example = [[
return aikit.workflow { id = "greet" }
  :step { id = "hello", handler = function(input) return "Hello " .. input.name end }
  :commit()]],
      },
      {
        "step", "Makes a step: a function with an id, schemas and a retry policy.",
        "config aikit.StepConfig  The step's properties.",
        returns = "aikit.Node  The step, which may stand in several places.",
        example = [[
local double = aikit.step { id = "double", handler = function(input) return { n = input.n * 2 } end }]],
      },
      {
        "mcp", "Names a server of the Model Context Protocol, whose tools handlers call and agents use.",
        "config aikit.MCPConfig  The server.", returns = "aikit.MCPServer  The server.",
        example = [[local parcels = aikit.mcp { command = { "parcel-server" }, allow = { "quote" } }]],
      },
      {
        "agent", "Makes an agent: turns of a model and the tools that it calls, as nodes that stand wherever a step does.",
        "config aikit.AgentConfig  The agent's properties.",
        returns = "aikit.Node  The agent; a script that returns it has a workflow of that one step.",
        example = [[
local triage = aikit.agent { id = "triage", model = model, tools = { search },
  output_schema = s.object { label = s.enum { "bug", "question" } } }]],
      },
      {
        "model", "Describes a model at a provider; nothing is asked of it before a step does.",
        "config aikit.ModelConfig  The model's properties.", returns = "aikit.Model  The model.",
        example = [[
local model = aikit.model { provider = "openai", name = "gpt-5-mini", api_key = aikit.secret "OPENAI_API_KEY" }]],
      },
      {
        "tool", "Makes a tool that models may call.", "config aikit.ToolConfig  The tool's properties.",
        returns = "aikit.Tool  The tool.",
        example = [[
local search = aikit.tool { id = "search", description = "Search the handbook",
  input_schema = s.object { query = s.string() },
  handler = function(input) return find(input.query) end }]],
      },
      {
        "clone_step", "Copies a node, with other values for some of its properties.",
        "node aikit.Node|aikit.Committed  The node to copy.", "changes table  The properties that differ, usually `id`.",
        returns = "aikit.Node  The copy.",
        example = [[local again = aikit.clone_step(double, { id = "double-again" })]],
      },
      {
        "branch", "Makes a branch for a body; `:branch` adds one to a chain.",
        "config aikit.BranchConfig  The branch's properties.", returns = "aikit.Node  The branch.",
      },
      {
        "loop", "Makes a loop for a body; `:loop` adds one to a chain.",
        "config aikit.LoopConfig  The loop's properties.", returns = "aikit.Node  The loop.",
      },
      {
        "foreach", "Makes a foreach for a body; `:foreach` adds one to a chain.",
        "config aikit.ForeachConfig  The foreach's properties.", returns = "aikit.Node  The foreach.",
      },
      {
        "parallel", "Makes parallel branches for a body; `:parallel` adds them to a chain.",
        "config aikit.ParallelConfig  The properties.", returns = "aikit.Node  The parallel node.",
      },
      {
        "human", "Makes a human step for a body; `:human` adds one to a chain.",
        "config aikit.HumanConfig  The human step's properties.", returns = "aikit.Node  The human step.",
      },
      {
        "delay", "Makes a durable timer for a body; `:delay` adds one to a chain.",
        "config aikit.DelayConfig  The timer's properties.", returns = "aikit.Node  The delay.",
      },
      {
        "wait_for", "Makes a wait for an event for a body; `:wait_for` adds one to a chain.",
        "config aikit.WaitForConfig  The wait's properties.", returns = "aikit.Node  The wait.",
      },
      {
        "start", "Starts a run of another workflow of the same deployment from a handler, once for this start of the step, "
          .. "whatever happens in between. Gives the id of the run, or with `wait` its output; its error is raised then. See the "
          .. "guide to durability.",
        "workflow string|aikit.Workflow  The workflow, or its id.", "input? any  The input of the run.",
        "options? aikit.StartOptions  Its id, whether to wait, and what becomes of it when this run ends.",
        returns = "any  The id of the run; with `wait` its output.",
        example = [[local invoice = aikit.start("invoice", { order = order.id }, { wait = true })]],
      },
      {
        "callback", "Makes a completion handler that posts `{ type, workflowId, runId, timestamp, metadata, result | error }` "
          .. "as JSON; what answers 5xx, 408, 425 or 429 is asked again.",
        "config aikit.CallbackConfig  Where to, and by which secret it is signed.", returns = "aikit.Callback  The handler.",
        example = [[on_failure = aikit.callback { url = "https://ops.example/runs", secret = aikit.secret "CALLBACK_SECRET" }]],
      },
      {
        "fail", "Ends the step with an error that says more than a text can.",
        "failure aikit.Failure|string  The error, or its message alone.",
        example = [[aikit.fail { code = "weather_api", message = "HTTP 503", retryable = true }]],
      },
      {
        "all", "Runs functions beside each other and waits for all of them; the first error cancels the rest and is raised.",
        "functions (fun(): any)[]|table<string, fun(): any>  The functions, in a list or by name.",
        returns = "table  Their results, by the same indexes or names.",
        example = [[
local answers = aikit.all {
  rates = function() return aikit.http.get("https://rates.example/v1"):json() end,
  news = function() return aikit.http.get("https://news.example/v1"):json() end,
}]],
      },
      {
        "sleep", "Waits, without holding up any other step; for waits that outlive the process use `:delay`.",
        "duration aikit.Duration  How long.", example = [[aikit.sleep "200ms"]],
      },
      { "now", "The time in milliseconds since 1970.", returns = "integer  Milliseconds." },
      {
        "exec", "Runs a program that `--allow-run` grants, without a shell; it is killed with its group when the step is cancelled.",
        "call aikit.ExecCall  The program and its arguments, and options.", returns = "aikit.ExecResult  What it came to.",
        example = [[local log = aikit.exec { "git", "log", "--oneline", "-5", cwd = "repository", timeout = "10s" }.stdout]],
      },
      {
        "requires", "Says at the top level of a script what it needs: `check` lists it, and `run` asks for it before anything runs.",
        "permissions aikit.Permissions  What it needs.", example = [[aikit.requires { net = { "api.example.com" } }]],
      },
      {
        "host", "A module of functions that the program answers which runs the engine: each takes one value and gives what comes back.",
        "name string  What the program calls it.", returns = "table<string, fun(input?: any): any>  The module.",
        example = [[
local orders = aikit.host "orders"
local order = orders.lookup { id = 7 }]],
      },
      {
        "secret", "A secret by its name, for headers; the host fills it in, and the script never sees its value.",
        "name string  The name in the environment, in the file of `--secrets` or in what `--secrets-command` prints.",
        returns = "aikit.Secret  What stands for it.",
        example = [[aikit.http.get(url, { headers = { authorization = aikit.secret("API_TOKEN"):bearer() } })]],
      },
      {
        "hmac", "How a webhook knows whom a request is from: an HMAC of its body in a header.",
        "config aikit.Hmac  The secret and the header.", returns = "aikit.Verification  For the `verify` of a hook.",
        example = [[local signed = aikit.hmac { secret = aikit.secret "HOOK_SECRET", header = "X-Signature" }]],
      },
      { "uuid", "A new random UUID.", returns = "string  Like `3b241101-e2bb-4255-8caf-4136c566a962`." },
      {
        "random", "A random number, as `math.random` gives it.",
        "low? integer  With `high` the smallest result; alone the largest, from 1.", "high? integer  The largest result.",
        returns = "number  A float in [0, 1) without arguments, else an integer.",
        example = [[local dice = aikit.random(6)]],
      },
      {
        "array", "Marks a table as a list, so that it stays one when it is empty.",
        "list? table  The list; left out, a new one.", returns = "table  The same table.",
        example = [[return { tags = aikit.array {} }]],
      },
    },
  },
  {
    name = "aikit.WorkflowConfig", text = "What `aikit.workflow` takes.",
    fields = {
      "id string  The workflow's name, as it stands in commands and addresses: best of letters, digits, `-`, `_` and `.`.",
      "description? string  What it is for.",
      "input_schema? aikit.SchemaLike  What a run's input must look like.",
      "output_schema? aikit.SchemaLike  What a run's result must look like.",
      "metadata? table  The metadata that a run starts with, unless it is given its own.",
      "ctx? table  The ctx that a run starts with; what a run is given is merged over it.",
      "finalize? fun(value: any, context: aikit.Context): any  Makes the result out of the last output.",
      "on_success? fun(output: any, context: aikit.Context)|aikit.Callback  Called once a run has succeeded, before it is over.",
      "on_failure? fun(error: table, context: aikit.Context)|aikit.Callback  Called once a run has failed and its steps are "
        .. "undone; `error.compensation` has `undone` and `failed`.",
      "on_cancel? fun(reason: table, context: aikit.Context)|aikit.Callback  The same for a run that was cancelled.",
      "schedules? aikit.Schedule[]  When runs begin by themselves while `aikit-lua serve` serves the script.",
      "hooks? aikit.Hook[]  Routes of `aikit-lua serve` by which others start runs or give them signals.",
      "concurrency? aikit.Concurrency  How many runs may be under way at once.",
      "rate_limit? aikit.RateLimit  How often runs may begin.",
      "singleton? aikit.Singleton  One run at a time, and what becomes of a second one.",
      "debounce? aikit.Debounce  Runs begin once no other start has come for a while.",
      "priority? integer|fun(input: any): integer?  Which of the runs that wait begins first: the one with the highest.",
      "tags? table|fun(input: any): table?  What runs are found by: names with texts, numbers or booleans.",
      "permissions? false|aikit.Permissions  What its steps may do of what a run may.",
      "telemetry? boolean|aikit.Telemetry  How runs are traced; `false` makes no spans.",
    },
  },
  {
    name = "aikit.StartOptions", text = "What `aikit.start` takes after the input.",
    fields = {
      "id? string  The id of the run; one that is made of this run's id and the place of the call unless given.",
      "wait? boolean  Waits for its end.",
      "on_parent_end? \"cancel\"|\"leave\"  What becomes of it when this run ends before it does; `cancel` unless given.",
    },
  },
  { name = "aikit.Callback", text = "A completion handler that tells an address how a run ended.", fields = {} },
  {
    name = "aikit.CallbackConfig", text = "What `aikit.callback` takes.",
    fields = {
      "url string  Where the message goes by `POST`; the run needs `--allow-net` for it.",
      "secret? aikit.Secret  Signs the body: `X-Aikit-Signature` is `sha256=` and the HMAC in hexadecimal.",
      "headers? table<string, string>  Further headers.",
      "timeout? aikit.Duration  How long an answer may take; `30s` unless given.",
    },
  },
  {
    name = "aikit.Hook", text = "A route `/hooks/PATH` that starts a run for each request, or gives a run a signal.",
    fields = {
      "id string  Unique within the workflow.",
      "path? string  What stands behind `/hooks/`, such as `github/push`; the id without it.",
      "verify? aikit.Verification  What `aikit.hmac` makes; without it anybody may call the hook.",
      "input? fun(request: aikit.HookRequest): any  The run's input; `nil` starts no run. The body's JSON without it.",
      "run_id? fun(request: aikit.HookRequest): string?  The run's id, so that what is sent twice starts one run.",
      "signal? fun(request: aikit.HookRequest): string?, string?, any  A run, an event and its data, in place of a start.",
    },
  },
  {
    name = "aikit.HookRequest", text = "What the functions of a hook get.",
    fields = {
      "method string  `POST`.", "path string  The path of the address.", "query table<string, string>  What stands in it.",
      "headers table<string, string>  By their names in lower case.", "body string  The body as it came.",
      "json any  The body's JSON; `nil` where it is none.",
    },
  },
  { name = "aikit.Verification", text = "How a hook knows whom a request is from.", fields = {} },
  {
    name = "aikit.Hmac", text = "What `aikit.hmac` takes.",
    fields = {
      "secret aikit.Secret  What both sides know.", "header string  The header with the HMAC of the raw body.",
      "algorithm? \"sha256\"|\"sha384\"|\"sha512\"|\"sha1\"  `sha256`.",
      "encoding? \"hex\"|\"base64\"  How the HMAC is written; `hex`.",
      "prefix? string  What stands before it, such as `sha256=`.",
      "timestamp? string  The header with the time of the signature, or the part of `header` that begins so, such as `t=`.",
      "tolerance? string|number  How far that time may lie from now; `5m`.",
      "signed? string  What is signed; `{body}`, with a `timestamp` `{timestamp}.{body}`. Other names are those of headers.",
    },
  },
  {
    name = "aikit.Concurrency", text = "How many runs may have begun and not be over.",
    fields = {
      "limit integer  At least 1.",
      "key? fun(input: any): string|number|boolean|nil  Runs with the same key share the limit; `nil` is not limited.",
    },
  },
  {
    name = "aikit.RateLimit", text = "How many runs may begin within any period.",
    fields = {
      "limit integer  At least 1.",
      "period string|number  A duration.",
      "key? fun(input: any): string|number|boolean|nil  Runs with the same key share the limit; `nil` is not limited.",
    },
  },
  {
    name = "aikit.Singleton", text = "One run of a key at a time.",
    fields = {
      "key? fun(input: any): string|number|boolean|nil  Of runs with the same key one is under way; `nil` is not limited.",
      "on_conflict? \"skip\"|\"cancel-running\"|\"queue\"  What a start does while a run is there; `skip`.",
    },
  },
  {
    name = "aikit.Debounce", text = "A run begins once no other start of its key has come for a period.",
    fields = {
      "period string|number  A duration.",
      "key? fun(input: any): string|number|boolean|nil  Starts with the same key come to one run; `nil` is not delayed.",
    },
  },
  {
    name = "aikit.Schedule", text = "When runs of a workflow begin by themselves: `cron`, or `every`.",
    fields = {
      "id string  Unique within the workflow.",
      "cron? string  Minute, hour, day of the month, month, day of the week, or six fields from the second on; `@daily`.",
      "timezone? string  The zone of `cron`, such as `Europe/Oslo`; UTC without it.",
      "every? string|number  A duration: its multiples since 1970 are the times.",
      "input? any  The input of its runs.",
      "overlap? \"skip\"|\"queue\"|\"cancel-running\"|\"allow\"  What happens while its run before is not over; `skip`.",
      "catch_up? string|number  How late a run may begin, after times that nothing served; a minute without it.",
      "catch_up_all? boolean  Every missed time within `catch_up` gets its run, not the newest alone.",
    },
  },
  {
    name = "aikit.Telemetry", text = "What a workflow says of the traces of its runs.",
    fields = {
      "trace_name? string  The name of the trace; the workflow's id unless given.",
      "metadata? table  Names and values, on every span.",
      "tags? string[]  Tags of the trace.",
      "record_inputs? boolean  Whether inputs are in the spans; true unless given.",
      "record_outputs? boolean  Whether outputs are in the spans; true unless given.",
      "user_id? string  Whom the run is for.",
      "session_id? string  Which conversation it belongs to.",
      "environment? string  Such as `staging`.",
    },
  },
  {
    name = "aikit.StepTelemetry", text = "What a step says of its own spans.",
    fields = {
      "record_inputs? boolean  Whether its inputs are in its spans; what the workflow says unless given.",
      "record_outputs? boolean  Whether its outputs are in its spans; what the workflow says unless given.",
    },
  },
  {
    name = "aikit.Workflow", instance = "workflow",
    text = "The chain that `aikit.workflow` starts. Each method adds a node and returns the chain.",
    fields = { "id string  The workflow's id.", "description? string  The workflow's description." },
    methods = {
      {
        "step", "Adds a step: one made by `aikit.step`, the table to make one, or a committed workflow.",
        "step aikit.Node|aikit.Committed|aikit.StepConfig  The step.", returns = "aikit.Workflow  The chain.",
      },
      {
        "branch", "Adds a branch: `resolve` chooses one of the cases.",
        "config aikit.BranchConfig|aikit.Node  The branch.", returns = "aikit.Workflow  The chain.",
        example = [[
:branch {
  id = "risk",
  resolve = function(weather) return weather.wind > 90 and "storm" or "calm" end,
  cases = { storm = { warn, call }, calm = brief },
}]],
      },
      {
        "loop", "Adds a loop: its body runs as long as `condition` holds.",
        "config aikit.LoopConfig|aikit.Node  The loop.", returns = "aikit.Workflow  The chain.",
        example = [[
:loop {
  id = "poll",
  step = ask_status,
  condition = function(current) return current.status ~= "done" end,
  max_iterations = 20,
}]],
      },
      {
        "foreach", "Adds a foreach: its body runs once for each item of a list.",
        "config aikit.ForeachConfig|aikit.Node  The foreach.", returns = "aikit.Workflow  The chain.",
        example = [[
:foreach { id = "pages", items = function(input) return input.pages end, step = summarise, concurrency = 4 }]],
      },
      {
        "parallel", "Adds branches that run beside each other, all with the same input.",
        "config aikit.ParallelConfig|aikit.Node  The branches.", returns = "aikit.Workflow  The chain.",
        example = [[:parallel { id = "analyse", branches = { words = count_words, mood = find_mood } }]],
      },
      {
        "human", "Adds a step at which the run waits for a person's answer.",
        "config aikit.HumanConfig|aikit.Node  The human step.", returns = "aikit.Workflow  The chain.",
        example = [[
:human {
  id = "approve",
  output = function(draft) return { text = draft.text } end,
  input = function(ask)
    return ask.form { title = "Send it?", fields = { ask.confirm { id = "send", label = "Send" } } }
  end,
  response_schema = s.object { send = s.boolean() },
}]],
      },
      {
        "delay", "Adds a timer; the run waits even if the process ends meanwhile.",
        "config aikit.DelayConfig|aikit.Node  The timer.", returns = "aikit.Workflow  The chain.",
        example = [[:delay { id = "cool-down", duration = "30m" }]],
      },
      {
        "wait_for", "Adds a wait for an event that is sent to the run; the event's data is the output.",
        "config aikit.WaitForConfig|aikit.Node  The wait.", returns = "aikit.Workflow  The chain.",
        example = [[:wait_for { id = "payment", event = "paid", timeout = "30d" }]],
      },
      {
        "commit", "Checks the workflow and ends the chain. Every problem that there is comes in one error.",
        returns = "aikit.Committed  The workflow, which never changes again.",
      },
    },
  },
  {
    name = "aikit.Committed", instance = "workflow",
    text = "A workflow as `:commit()` returns it. A script returns one, or a table of them; it may also stand as a step.",
    fields = { "id string  The workflow's id.", "description? string  The workflow's description." },
    methods = {
      { "inspect", "The definition as a table: nodes, bodies, and where each was written.", returns = "table  A copy." },
    },
  },
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
