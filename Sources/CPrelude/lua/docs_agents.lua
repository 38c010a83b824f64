-- Documentation of models, tools and agents. See docs.lua for the form.
return {
  {
    name = "aikit.ModelConfig", text = "What `aikit.model` takes.",
    fields = {
      "provider \"openai\"|\"anthropic\"  Whose API is spoken: chat completions, as many servers do, or messages.",
      "name string  The model, as the provider names it; `--allow-model=NAME` allows it.",
      "base_url? string  Where it is served; the provider's own address unless given.",
      "api_key? string|aikit.Secret  The key: a text, or better `aikit.secret \"NAME\"`; the script never sees that one.",
      "headers? table<string, any>  Headers to send besides.",
      "parameters? table  What is sent as it is: `temperature`, `max_tokens` …",
      "timeout? aikit.Duration  How long an attempt may take; of a streamed answer, how long from piece to piece. 60 s unless given.",
      "retry? aikit.Retry  Attempts after 408, 409, 429, 5xx and broken lines; 4 unless given. `Retry-After` is the least wait.",
      "limits? aikit.ModelLimits  For all calls of the process.", "price? aikit.ModelPrice  What tokens cost, per million.",
      "cache? aikit.Duration  How long the answer to the same question is kept in the store, and given again to all runs.",
      "structured_output? \"schema\"|\"prompt\"  `\"prompt\"` asks for JSON in words, for servers that take no schema.",
    },
  },
  {
    name = "aikit.ModelLimits", text = "How much a process asks of a model; what goes beyond waits.",
    fields = {
      "concurrency? integer  Calls at once.", "requests_per_minute? integer  Calls begun within a minute.",
      "tokens_per_minute? integer  Tokens within a minute, in and out.",
    },
  },
  {
    name = "aikit.ModelPrice", text = "Prices per million tokens, in whatever currency budgets are in.",
    fields = {
      "input? number  Tokens in.", "output? number  Tokens out.",
      "cached_input? number  Tokens in that the provider had kept; as `input` unless given.",
    },
  },
  {
    name = "aikit.Model", instance = "model", text = "What `aikit.model` gives. Its calls are made in handlers of steps, and "
      .. "each is recorded once for the step as `context:once` does it, unless `record = false`.",
    fields = { "name string  The model.", "provider string  Whose API it speaks." },
    methods = {
      {
        "generate", "Asks the model and waits for the whole answer.", "options aikit.Generate|string  What to ask.",
        returns = "aikit.Answer  What it answered.",
        example = [[local answer = model:generate { prompt = "Translate: " .. input.text }]],
      },
      {
        "stream", "The same; whoever watches the run is told of the answer while it is made, as `step:delta`.",
        "options aikit.Generate|string  What to ask.",
        returns = "aikit.Answer  The whole answer.",
        example = [[
local answer = model:stream { prompt = "Tell a story", on_delta = function(piece) print(piece.text) end }]],
      },
      {
        "embed", "Asks for the vectors of texts.", "options { texts: string[], parameters?: table, record?: boolean }  The texts.",
        returns = "{ vectors: number[][], usage: aikit.Usage }  A vector for each text, in order.",
        example = [[local vectors = model:embed({ texts = { "first", "second" } }).vectors]],
      },
    },
  },
  {
    name = "aikit.Generate", text = "What `model:generate` and `model:stream` take.",
    fields = {
      "prompt? string|aikit.Message[]  What to ask; or `messages`.", "messages? aikit.Message[]  The conversation so far.",
      "instructions? string  What goes before it, as a message of the system.",
      "tools? aikit.Tool[]  What the model may ask to call; the calls are in the answer and are not made.",
      "tool_choice? string  `auto`, `none`, `required`, or the id of a tool.",
      "output_schema? aikit.SchemaLike  What the answer has to be; it is in `object` then.",
      "repair? integer  How often a model is asked again whose answer does not fit; 2 unless given.",
      "on_delta? fun(piece: { kind: string, text: string, index: integer })  `model:stream`: gets each piece while it comes; not "
        .. "when a recorded answer is given back.",
      "parameters? table  Goes before the model's.", "record? boolean  `false`: not recorded, and made again at the next attempt.",
    },
  },
  {
    name = "aikit.Message", text = "A message of a conversation.",
    fields = {
      "role \"system\"|\"user\"|\"assistant\"|\"tool\"  Whose it is.",
      "content? string|table[]  Text, or parts `{ type = \"text\", text }`, `{ type = \"image\", url | data, media_type }`.",
      "tool_calls? aikit.ToolCall[]  What the assistant asked to call.", "tool_call_id? string  Which call a tool answers.",
    },
  },
  {
    name = "aikit.ToolCall", text = "A tool that a model asks to call.",
    fields = { "id string  Names the call.", "name string  The tool.", "arguments string  JSON as the model wrote it." },
  },
  {
    name = "aikit.Usage", text = "What calls of models used.",
    fields = {
      "input_tokens integer  Tokens in, cached ones too.", "output_tokens integer  Tokens out.",
      "cached_input_tokens integer  Tokens in that the provider had kept.", "cost number  By the model's `price`; 0 without one.",
    },
  },
  {
    name = "aikit.Answer", text = "What a model answered.",
    fields = {
      "text string  The text.", "object? any  The value, with `output_schema`.", "reasoning? string  What it thought, where it tells.",
      "finish_reason \"stop\"|\"length\"|\"tool_calls\"|\"content_filter\"|\"other\"  Why it ended.",
      "tool_calls aikit.ToolCall[]  What it asks to call.", "message aikit.Message  The answer as a message, to go on with.",
      "usage aikit.Usage  What it used.",
    },
  },
  {
    name = "aikit.ToolConfig", text = "What `aikit.tool` takes: `handler` or `step`.",
    fields = {
      "id string  The name that models know it by: letters, digits, `_` and `-`.", "description? string  What it is for, for the model.",
      "input_schema? aikit.SchemaLike  What its arguments have to be; what does not fit goes back to the model.",
      "handler? fun(input: any, context: aikit.Context): any  Runs as a step; what it returns is told to the model.",
      "step? aikit.Body  Nodes that run with the arguments as input: a workflow, a human step, an agent.",
      "output_schema? aikit.SchemaLike  What the handler gives.", "retry? aikit.Retry  Attempts of the handler.",
      "timeout? aikit.Duration  How long the handler may take.",
    },
  },
  {
    name = "aikit.MCPConfig", text = "What `aikit.mcp` takes: `command` or `url`.",
    fields = {
      "command? string[]  A program and its arguments, spoken with by standard input and output; `--allow-run=PROGRAM` allows it.",
      "url? string  The address of a server of streamable HTTP; `--allow-net=HOST` allows it.",
      "headers? table<string, any>  Headers of each request: texts and secrets.",
      "env? table<string, any>  The program's variables besides the usual ones: texts and secrets.",
      "cwd? string  The folder in which the program works.", "allow? string[]  Tools that may be called; all unless given.",
      "prefix? string  Stands before the names of its tools for agents.",
      "timeout? aikit.Duration  How long an answer may take; 60 s unless given.",
    },
  },
  {
    name = "aikit.MCPServer", instance = "server", text = "What `aikit.mcp` gives: its tools are called in handlers of steps, or "
      .. "by an agent that has it among its `tools`.",
    methods = {
      {
        "tools", "Lists the tools that may be called.",
        returns = "{ name: string, title?: string, description?: string, input_schema: table, output_schema?: table }[]  "
          .. "The tools.",
        example = [[for _, tool in ipairs(server:tools()) do print(tool.name) end]],
      },
      {
        "call", "Calls a tool; one that fails raises `mcp_tool`.", "name string  The tool.",
        "arguments? table  What it takes.",
        returns = "any  Its structured result, else its text, else the list of its content.",
        example = [[local price = server:call("quote", { weight = 2 }).price]],
      },
    },
  },
  { name = "aikit.Tool", text = "What `aikit.tool` gives.", fields = { "id string  Its id.", "description? string  What it is for." } },
  {
    name = "aikit.AgentConfig", text = "What `aikit.agent` takes.",
    fields = {
      "id string  Names it in paths, events and metadata.", "description? string  What it is for.", "model aikit.Model  What it asks.",
      "instructions? string|fun(input: any, context: aikit.Context): string  Goes before the conversation.",
      "prompt? string|aikit.Message[]|fun(input: any, context: aikit.Context): any  What is asked; `input.prompt` or "
        .. "`input.messages` unless given.",
      "tools? (aikit.Tool|aikit.MCPServer)[]  What the model may call.",
      "tool_concurrency? integer  Calls of a turn at once; 4 unless given.",
      "tool_choice? string  `auto`, `none`, `required`, or the id of a tool.",
      "approve? string[]|boolean  Tools whose calls wait for a person first; `true` for all.",
      "on_tool_error? \"tell\"|\"fail\"  Whether the failure of a tool is told to the model, or ends the agent; `tell` unless given.",
      "output_schema? aikit.SchemaLike  What it has to give; without one it gives an `aikit.AgentOutput`.",
      "repair? integer  How often the model is asked again whose answer does not fit; 2 unless given.",
      "max_turns? integer  Calls of the model; 12 unless given.",
      "budget? { tokens?: integer, cost?: number, time?: aikit.Duration }  What it may use, agents below it included.",
      "on_limit? \"fail\"|\"stop\"  `stop` gives what there is when a limit is reached; `fail` unless given.",
      "stream? boolean  Whether watchers are told of answers while they are made; true unless given.",
      "parameters? table  Goes before the model's.", "retry? aikit.Retry  Attempts of a turn as a whole.",
      "telemetry? boolean|aikit.StepTelemetry  What its spans say.",
    },
  },
  {
    name = "aikit.AgentOutput", text = "What an agent without `output_schema` gives.",
    fields = {
      "text string  The last answer.", "finish_reason string  Why it ended; `limit` after `on_limit = \"stop\"`.",
      "turns integer  How often the model answered.", "usage aikit.Usage  What all of it used.",
      "messages aikit.Message[]  The whole conversation.",
    },
  },
}
