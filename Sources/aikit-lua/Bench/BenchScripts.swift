/// The scripts that the benchmarks run.
enum BenchScripts {
    /// The yardstick: what a step costs in Lua alone. `pcall` of a function that takes a table and returns a new one with four
    /// fields, and a snapshot of it that is kept for as long as a run of three steps.
    static let baseline = """
        local count = ...
        local function handler(input)
          return { id = input.id, name = input.name, value = input.value + 1, done = true }
        end
        local snapshots, current = {}, { id = 1, name = "step", value = 0, done = false }
        for i = 1, count do
          local ok, output = pcall(handler, current)
          if not ok then error(output) end
          snapshots[i % 3 + 1] = { status = "success", input = current, output = output }
          current = output
        end
        return count
        """

    static let threeSteps = """
        local aikit = require "aikit"
        local function handler(input)
          return { id = input.id, name = input.name, value = input.value + 1, done = true }
        end
        return aikit.workflow { id = "three" }
          :step { id = "one", handler = handler }
          :step { id = "two", handler = handler }
          :step { id = "three", handler = handler }
          :commit()
        """

    static let schemas = """
        local aikit = require "aikit"
        local s = aikit.schema
        local shape = s.object {
          id = s.string():min(1), name = s.string(), value = s.number(), samples = s.array(s.number()),
        }
        local function handler(input)
          return { id = input.id, name = input.name, value = input.value + 1, samples = input.samples }
        end
        local function step(id)
          return aikit.step { id = id, input_schema = shape, output_schema = shape, handler = handler }
        end
        return aikit.workflow { id = "typed" }:step(step "one"):step(step "two"):step(step "three"):commit()
        """

    static let untyped = """
        local aikit = require "aikit"
        local function handler(input)
          return { id = input.id, name = input.name, value = input.value + 1, samples = input.samples }
        end
        local function step(id) return aikit.step { id = id, handler = handler } end
        return aikit.workflow { id = "untyped" }:step(step "one"):step(step "two"):step(step "three"):commit()
        """

    static let hundredSteps = """
        local aikit = require "aikit"
        local function handler(input)
          return { id = input.id, name = input.name, value = input.value + 1, done = true }
        end
        local workflow = aikit.workflow { id = "hundred" }
        for i = 1, 100 do workflow:step { id = "step-" .. i, handler = handler } end
        return workflow:commit()
        """

    static let foreach = """
        local aikit = require "aikit"
        return aikit.workflow { id = "each" }
          :foreach {
            id = "items",
            items = function(input) return input.items end,
            step = aikit.step { id = "item", handler = function(item)
              return { id = item.id, name = item.name, value = item.value + 1, done = true }
            end },
            collect = function(results) return { count = #results } end,
          }
          :commit()
        """

    static let sleeps = """
        local aikit = require "aikit"
        local function handler(input) aikit.sleep("10ms"); return input end
        return aikit.workflow { id = "sleeps" }
          :step { id = "one", handler = handler }
          :step { id = "two", handler = handler }
          :step { id = "three", handler = handler }
          :commit()
        """

    static let parked = """
        local aikit = require "aikit"
        return aikit.workflow { id = "parked" }
          :step { id = "prepare", handler = function(input) return input end }
          :wait_for { id = "go", event = "go" }
          :commit()
        """

    static let inside = """
        local aikit = require "aikit"
        return aikit.workflow { id = "inside" }
          :step { id = "wait", handler = function(input) aikit.sleep("1h"); return input end }
          :commit()
        """

    static let reloaded = """
        local aikit = require "aikit"
        local s = aikit.schema
        local part = require "part"
        local ticket = s.object { id = s.integer(), text = s.string():min(1) }
        return aikit.workflow { id = "reloaded", input_schema = s.object { tickets = s.array(ticket) } }
          :foreach {
            id = "tickets",
            items = function(input) return input.tickets end,
            step = { id = "score", input_schema = ticket, handler = function(t) return { id = t.id, part = part } end },
          }
          :commit()
        """

    static let runaway = """
        local aikit = require "aikit"
        return aikit.workflow { id = "runaway" }
          :step { id = "loop", handler = function() while true do end end }
          :commit()
        """

    private static let busyWork = """
        local function work(n)
          local sum = 0
          for i = 1, n do
            local word = ("%d:%d"):format(i, i * 7 % 13)
            sum = sum + #word + i % 3
          end
          return sum
        end
        """

    static let plainBusy =
        busyWork + """

            local count = ...
            for _ = 1, count do work(20000) end
            return count
            """

    static let busy = """
        local aikit = require "aikit"

        """ + busyWork + """

            return aikit.workflow { id = "busy" }
              :step { id = "work", handler = function() return { sum = work(20000) } end }
              :commit()
            """
}
