-- A loop that asks until a job is done, and waits a little longer each time.
--
--   aikit-lua run examples/polling.lua --input '{"seconds": 1.5}'
local aikit = require "aikit"
local s = aikit.schema

local submit = aikit.step {
  id = "submit",
  description = "Start a job that takes a while",
  handler = function(input, context)
    -- The job lives in the run's store; a real one would live in a service, asked by aikit.http.
    context.store.job = { id = aikit.uuid(), done_at = aikit.now() + math.floor(input.seconds * 1000) }
    return { status = "running", wait = 100, polls = 0 }
  end,
}

local poll = aikit.step {
  id = "poll",
  description = "Wait, then ask how the job is",
  handler = function(input, context)
    aikit.sleep(input.wait .. "ms")
    local done = aikit.now() >= context.store.job.done_at
    context:emit { type = "polled", data = { poll = context.iteration, waited = input.wait } }
    return { status = done and "done" or "running", wait = input.wait, polls = input.polls + 1 }
  end,
}

return aikit.workflow {
    id = "polling",
    description = "Wait for a job by asking for it",
    input_schema = s.object { seconds = s.number():min(0):max(60):default(1) },
    output_schema = s.object { job = s.string():uuid(), polls = s.integer() },
  }
  :step(submit)
  :loop {
    id = "wait",
    step = poll,
    condition = function(current) return current.status ~= "done" end,
    prepare_next_input = function(current)
      current.wait = math.min(current.wait * 3 // 2, 2000)
      return current
    end,
    max_iterations = 100,
    collect = function(results) return results[#results] end,
  }
  :step {
    id = "report",
    handler = function(last, context) return { job = context.store.job.id, polls = last.polls } end,
  }
  :commit()
