/// A run that starts others, and what they do: `work` says that it works, `wait` waits for a signal, `read` reads a file.
let familyScript = """
    local aikit = require "aikit"
    local work = aikit.workflow { id = "work" }
      :step { id = "work", handler = function(input)
        print("works")
        aikit.sleep(input.seconds or 0)
        if input.fails then aikit.fail { code = "tired", message = "it is tired", details = { n = 1 } } end
        return { done = input.n }
      end }
      :commit()
    local wait = aikit.workflow { id = "wait" }:wait_for { id = "go", event = "go" }:commit()
    local read = aikit.workflow { id = "read" }
      :step { id = "read", handler = function(input) return aikit.fs.read(input.file) end }
      :commit()
    local ask = aikit.workflow { id = "ask" }
      :step { id = "ask", handler = function(input, context)
        print("asks " .. context.attempt)
        local answer = aikit.start(work, { n = 7, seconds = input.seconds, fails = input.fails }, { wait = true })
        return { answer = answer.done }
      end }
      :commit()
    local leave = aikit.workflow { id = "leave" }
      :step { id = "start", handler = function()
        return {
          aikit.start("wait", {}, { id = "kept", on_parent_end = "leave" }), aikit.start("wait", {}, { id = "taken" }),
        }
      end }
      :commit()
    local narrow = aikit.workflow { id = "narrow" }
      :step { id = "start", permissions = { read = { "a.txt" } }, handler = function()
        local function try(file)
          local ok, result = pcall(aikit.start, "read", { file = file }, { wait = true })
          return ok and result or result.code
        end
        return { try "a.txt", try "b.txt" }
      end }
      :commit()
    local odd = aikit.workflow { id = "odd" }
      :step { id = "odd", handler = function() return aikit.start("wrok", {}) end }
      :commit()
    local forever = aikit.workflow { id = "forever" }
      :step { id = "forever", handler = function(input, context)
        aikit.sleep "10ms"
        context:restart(input)
      end }
      :commit()
    local brief = aikit.workflow { id = "brief" }
      :step { id = "start", handler = function()
        aikit.start("forever", {}, { id = "f" })
        aikit.sleep "100ms"
        return { done = true }
      end }
      :commit()
    local same = aikit.workflow { id = "same" }
      :step { id = "start", handler = function()
        local function try(workflow, input)
          local ok, result = pcall(aikit.start, workflow, input, { id = "one", wait = true })
          return ok and result.done or result.code
        end
        return { try("work", { n = 1 }), try("work", { n = 1 }), try("work", { n = 2 }), try("wait", { n = 1 }) }
      end }
      :commit()
    local beside = aikit.workflow { id = "beside" }
      :step { id = "start", handler = function()
        local starts = {}
        for n = 1, 3 do
          starts[n] = function() return aikit.start("work", { n = n, seconds = 0.01 }, { wait = true }).done end
        end
        return aikit.all(starts)
      end }
      :commit()
    local elsewhere = aikit.workflow { id = "elsewhere" }
      :branch {
        id = "choose", cases = { [""] = { work } },
        resolve = function(_, context)
          print(select(2, pcall(aikit.start, "work", {})).message)
          print(select(2, pcall(context.restart, context, {})).message)
          return ""
        end,
      }
      :commit()
    local saga = aikit.workflow { id = "saga" }
      :step {
        id = "book",
        handler = function(input)
          aikit.start("work", { n = 1 }, { wait = true })
          return input
        end,
        compensate = function(_, input)
          if input.same then
            aikit.start("work", { n = 1 }, { wait = true })
          else
            aikit.start("ask", {}, { wait = true })
          end
        end,
      }
      :step { id = "fail", handler = function() error "no more" end }
      :commit()
    local alone = aikit.workflow { id = "alone", singleton = {} }
      :step { id = "again", handler = function(input)
        local workflow = input.far and "between" or "alone"
        local ok, result = pcall(aikit.start, workflow, {}, { wait = true })
        return ok and result or result.code
      end }
      :commit()
    local between = aikit.workflow { id = "between" }
      :step { id = "up", handler = function() return aikit.start("alone", {}, { wait = true }) end }
      :commit()
    local function again(id) return aikit.step { id = "again", handler = function()
      local ok, result = pcall(aikit.start, id, {}, { wait = true })
      return ok and result or result.code
    end } end
    local crowd = aikit.workflow { id = "crowd", concurrency = { limit = 2 } }:step(again "crowd"):commit()
    local line = aikit.workflow { id = "line", singleton = { on_conflict = "queue" } }:step(again "line"):commit()
    return {
      crowd, line, work, wait, read, ask, leave, narrow, odd, forever, brief, same, beside, elsewhere, saga, alone, between,
    }
    """
