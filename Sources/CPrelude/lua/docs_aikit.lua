-- Documentation of the library's first page, and of what `aikit.workflow` takes. See docs.lua for the form.
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
}
