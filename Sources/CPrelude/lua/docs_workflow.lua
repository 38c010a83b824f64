-- Documentation of workflows: their telemetry, the chain, and what it ends in. See docs.lua for the form.
return {
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
}
