import FlatValue
import Foundation
import Testing
import WorkflowCore

/// Each context tells of its span by an event, whose name says in which span of the script that was; `own` for the step's.
private let script = """
    local aikit = require "aikit"
    local function tell(context, name) context:emit { type = name or "own", data = context.trace.span_id } end
    local function tell_all(context, name)
      tell(context)
      context:span(name, function() tell(context, name) end)
      tell(context)
    end
    return {
      aikit.workflow { id = "crash", telemetry = true, on_failure = function(_, context) tell_all(context, "told") end }
        :step {
          id = "book", handler = function(_, context) tell_all(context, "booked") return 1 end,
          compensate = function(_, _, context) tell_all(context, "undone") end,
        }
        :foreach { id = "each", items = function(_, context) tell_all(context, "listed") return { 1 } end, step = {
          id = "slow", handler = function(_, context)
            tell_all(context, "kept")
            local is_first = false
            context:once("life", function() is_first = true return true end)
            if is_first then
              print "slow runs"
              aikit.sleep "60s"
            end
            return 1
          end,
        }, collect = function(results, context) tell_all(context, "collected") return results end }
        :step { id = "fails", handler = function(_, context)
          tell(context)
          aikit.fail { code = "no", message = "no", retryable = false }
        end }
        :commit(),
      aikit.workflow { id = "waits", telemetry = true, on_success = function(_, context) tell_all(context, "told") end }
        :loop {
          id = "turns", step = aikit.wait_for { id = "go", event = "go" },
          condition = function(_, context)
            tell_all(context, "turn " .. context.iteration)
            return context.iteration <= 2
          end,
        }
        :commit(),
      aikit.workflow { id = "beside", telemetry = true }
        :step { id = "a", handler = function(_, context)
          aikit.all {
            function() context:span("short", function() aikit.sleep "20ms" tell(context, "short") end) end,
            function()
              context:span("long", function()
                aikit.sleep "60ms"
                context:span("inner", function() aikit.sleep "20ms" tell(context, "inner") end)
                tell(context, "long")
              end)
              tell(context)
            end,
            function() aikit.sleep "5ms" tell(context) end,
          }
          local lines = coroutine.wrap(function()
            context:span("lines", function()
              for n = 1, 2 do
                context:span("line " .. n, function() tell(context, "line " .. n) end)
                coroutine.yield(n)
              end
            end)
          end)
          context:span("reads", function()
            lines()
            tell(context, "reads")
          end)
          lines()
          lines()
          tell(context)
          return 1
        end }
        :commit(),
    }
    """

/// The spans of a run as `runs trace --json` has them.
private struct Trace {
    let spans: [Value]

    init(_ program: Program, _ run: String) throws {
        let text = try program.run("runs", "trace", run, "--json").output
        spans = try Value(json: text)["resourceSpans"]?[0]?["scopeSpans"]?[0]?["spans"]?.array ?? []
    }

    /// The name of a span and that of the one around it.
    var parents: [String: String] {
        var names: [String: String] = [:]
        for span in spans { names[span["spanId"]?.string ?? ""] = span["name"]?.string }
        return Dictionary(spans.map { ($0["name"]?.string ?? "", names[$0["parentSpanId"]?.string ?? ""] ?? "none") }) {
            $1
        }
    }

    /// What steps told others, as the name of the span that it was told in and the id.
    var told: [(name: String, id: String, step: Value)] {
        spans.flatMap { span in
            (span["events"]?.array ?? []).compactMap { event in
                let payload = event["attributes"]?.array?.first { $0["key"] == "payload" }?["value"]?["stringValue"]
                guard let name = event["name"]?.string, let id = payload?.string else { return nil }
                return (name, id, span)
            }
        }
    }

    /// What was told that is not the id of the span that it was told in.
    var wrong: [String] {
        var ids: [String: Set<String>] = [:]
        for span in spans { ids[span["name"]?.string ?? "", default: []].insert(span["spanId"]?.string ?? "") }
        return told.compactMap { name, id, step in
            let isRight = name == "own" ? step["spanId"]?.string == id : ids[name]?.contains(id) == true
            return isRight ? nil : "\(name) in \(step["name"]?.string ?? "?")"
        }
    }

    var repeated: Int { spans.count - Set(spans.map { $0["spanId"]?.string ?? "" }).count }
}

extension CommandLine {
    struct TraceIDTests {
        @Test func `after a crash a step tells others of the spans that are sent`() throws {
            let program = try Program(["w.lua": script])
            defer { program.remove() }
            let run = try RunningProgram(program, "run", "w.lua", "--workflow", "crash", "--run-id", "r")
            #expect(run.hear("slow runs"))
            run.crash()
            let after = try program.run("run", "w.lua", "--workflow", "crash", "--run-id", "r")
            #expect(after.status == 1, "\(after.errors)")
            let trace = try Trace(program, "r")
            #expect(trace.wrong == [])
            #expect(trace.repeated == 0)
            let names = trace.told.map(\.name)
            for name in ["booked", "undone", "listed", "collected", "told"] { #expect(names.contains(name), "\(name)") }
            // Before the crash and after it.
            #expect(trace.told.count { $0.name == "kept" } == 2)
            #expect(Set(trace.told.filter { $0.name == "kept" }.map(\.id)).count == 2)
        }

        @Test func `after a wait a step tells others of the spans that are sent`() throws {
            let program = try Program(["w.lua": script])
            defer { program.remove() }
            #expect(try program.run("run", "w.lua", "--workflow", "waits", "--run-id", "r").status == 3)
            #expect(try program.run("signal", "r", "go").status == 3)
            let last = try program.run("signal", "r", "go")
            #expect(last.status == 0, "\(last.errors)")
            let trace = try Trace(program, "r")
            #expect(trace.wrong == [])
            #expect(trace.repeated == 0)
            #expect(trace.told.map(\.name).filter { $0.hasPrefix("turn ") || $0 == "told" }.count >= 3)
        }

        @Test func `a run without telemetry has no spans, whatever its completion handler says of them`() throws {
            let program = try Program([
                "w.lua": """
                local aikit = require "aikit"
                return aikit.workflow {
                  id = "w", telemetry = true, on_success = function(_, context) context:set_attribute("done", true) end,
                }:step { id = "a", handler = function(_, context) context:set_attribute("a", 1) return 1 end }:commit()
                """
            ])
            defer { program.remove() }
            let run = try program.run("run", "w.lua", "--run-id", "r", "--telemetry", "false")
            #expect(run.status == 0, "\(run.errors)")
            #expect(try Trace(program, "r").spans.isEmpty)
        }

        @Test func `spans of functions that run beside each other lie in what was open where they began`() throws {
            let program = try Program(["w.lua": script])
            defer { program.remove() }
            let run = try program.run("run", "w.lua", "--workflow", "beside", "--run-id", "r")
            #expect(run.status == 0, "\(run.errors)")
            let trace = try Trace(program, "r")
            let parents = trace.parents
            #expect(parents["short"] == "beside.step.a")
            #expect(parents["long"] == "beside.step.a")
            #expect(parents["inner"] == "long")
            #expect(parents["lines"] == "beside.step.a")
            #expect(parents["line 1"] == "lines")
            #expect(parents["line 2"] == "lines")
            #expect(parents["reads"] == "beside.step.a")
            #expect(trace.wrong == [])
            #expect(trace.repeated == 0)
        }
    }
}
