import FlatValue
internal import LuaWorkflows
internal import Synchronization
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

/// A script with one step, tried three times, whose handler is `body`.
private func threeTries(_ body: String) -> String {
    """
    local aikit = require "aikit"
    return aikit.workflow { id = "tries" }
      :step { id = "try", retry = { max_attempts = 3, initial = 0 }, handler = function(input, context)
        \(body)
      end }
      :commit()
    """
}

@Suite("Parts of a handler that run once")
struct OnceTests {
    @Test func `a result is given back at the next attempt, as it was recorded`() async throws {
        let scripts = try Scripts([
            "main.lua": threeTries(
                """
                local value = context:once("a", function()
                  context.store.calls = (context.store.calls or 0) + 1
                  return { n = 1.0, list = aikit.array {} }
                end)
                local none = context:once("b", function() context.store.none = (context.store.none or 0) + 1 end)
                if context.attempt < 3 then error("again") end
                return { value = value, none = none, calls = context.store.calls, nones = context.store.none }
                """)
        ])
        #expect(
            try await scripts.run().result == [
                "value": ["n": 1.0, "list": []], "calls": 1, "nones": 1,
            ])
    }

    @Test func `an error is raised and records nothing`() async throws {
        let scripts = try Scripts([
            "main.lua": threeTries(
                """
                return context:once("a", function()
                  if context.attempt < 2 then error("not yet") end
                  return context.attempt
                end)
                """)
        ])
        let result = try await scripts.run()
        #expect(result.result == 2)
    }

    @Test func `a name can be used once in a call, and each start of a step has records of its own`() async throws {
        let scripts = try Scripts([
            "main.lua": """
            local aikit = require "aikit"
            local calls = 0
            return aikit.workflow { id = "starts" }
              :foreach { id = "each", items = function() return { 1, 2 } end, concurrency = 2,
                step = { id = "one", handler = function(item, context)
                  return context:once("call", function() aikit.sleep(0.001) return item end)
                end } }
              :step { id = "again", next = function(output) if output.starts < 3 then return "again" end end,
                handler = function(input, context)
                  return { starts = context:once("start", function() return context.occurrence end), each = input.each or input }
                end }
              :step { id = "twice", handler = function(input, context)
                context:once("x", function() end)
                local _, why = pcall(context.once, context, "x", function() end)
                return { each = input.each, starts = input.starts, why = why.message }
              end }
              :commit()
            """
        ])
        let result = try await scripts.run()
        #expect(result.result?["each"] == [1, 2])
        #expect(result.result?["starts"] == 3)
        #expect(
            result.result?["why"]?.string?.contains(#"context:once("x") was called before in this handler"#) == true)
    }

    @Test(arguments: [
        (#"return context:once("a", function() return function() end end)"#, "invalid_argument", "value"),
        (#"return context:once("a", function() return ("x"):rep(9000000) end)"#, "once_too_large", "8 MiB"),
        (#"return context:once("a")"#, "error", "takes a name and a function"),
    ])
    func `what cannot be recorded is an error`(body: String, code: String, text: String) async throws {
        let scripts = try Scripts(["main.lua": oneStep(body)])
        let error = try await scripts.run().error
        #expect(error?["code"]?.string == code)
        #expect(error?["message"]?.string?.contains(text) == true)
    }

    @Test func `only handlers of steps record`() async throws {
        let scripts = try Scripts([
            "main.lua": """
            local aikit = require "aikit"
            return aikit.workflow { id = "choice" }
              :branch { id = "way", resolve = function(input, context) return context:once("a", function() return "x" end) end,
                cases = { x = { { id = "x", handler = function(i) return i end } } } }
              :commit()
            """
        ])
        #expect(try await scripts.run().error?["message"]?.string?.contains("not in `resolve`") == true)
    }

    @Test func `what is streamed comes to the watchers of the run in its place, and is not kept`() async throws {
        let scripts = try Scripts([
            "main.lua": oneStep(
                """
                context:stream { text = "a" }
                context:emit { type = "between" }
                context:stream { text = "b" }
                return 1
                """)
        ])
        let run = try await scripts.engine.createRun(scripts.load().workflows[0])
        let feed = Collector()
        _ = run.follow(feed)
        let record = try await run.run()
        #expect(feed.lines == ["delta a", "event between", "delta b"])
        #expect(record.log.count { $0 == .stepEvent } == 1)
    }
}

extension RunLog {
    fileprivate func count(_ matches: (EventKind) -> Bool) -> Int { (0..<count).count { matches(self[$0].kind) } }
}

/// Writes down what a run emits and streams, in order.
private final class Collector: EventFeed {
    private let state = Mutex((lines: [String](), taken: 0))

    var lines: [String] { state.withLock { $0.lines } }

    func take(_ run: Run) {
        state.withLock { state in
            while state.taken < run.log.count {
                let event = run.log[state.taken]
                state.taken += 1
                if event.kind == .stepEvent {
                    state.lines.append("event \(run.log.value(event.payload)["name"]?.string ?? "")")
                }
            }
        }
    }

    func take(_ event: TransientEvent) {
        state.withLock { $0.lines.append("delta \(event.data["text"]?.string ?? "")") }
    }

    func finish() {}
}
