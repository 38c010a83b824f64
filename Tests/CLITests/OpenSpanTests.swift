import FlatValue
import Foundation
import Testing
import WorkflowCore

/// Spans of scripts that are open when their step is ended from outside.
extension CommandLine {
    struct OpenSpanTests {
        /// The spans of a run of some name, as `runs trace --json` has them, in the order of their starts.
        private func spans(_ name: String, _ program: Program) throws -> [Value] {
            let text = try program.run("runs", "trace", "r", "--json").output
            let all = try Value(json: text)["resourceSpans"]?[0]?["scopeSpans"]?[0]?["spans"]?.array ?? []
            return all.filter { $0["name"]?.string == name }.sorted {
                ($0["startTimeUnixNano"]?.string ?? "") < ($1["startTimeUnixNano"]?.string ?? "")
            }
        }

        private func attribute(_ name: String, of span: Value) -> String? {
            span["attributes"]?.array?.first { $0["key"]?.string == name }?["value"]?["stringValue"]?.string
        }

        @Test func `a span in which code runs on and on ends with the time of its step, and says so`() throws {
            let program = try Program([
                "w.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "w", telemetry = true }
                  :step { id = "a", timeout = "300ms", handler = function(_, context)
                    context:span("busy", function() while true do end end)
                  end }
                  :commit()
                """
            ])
            defer { program.remove() }
            #expect(try program.run("run", "w.lua", "--run-id", "r").status == 1)
            let busy = try spans("busy", program)
            try #require(busy.count == 1)
            #expect(busy[0]["status"]?["code"] == 2)
            #expect(attribute("error.type", of: busy[0]) == "timeout")
        }

        @Test(arguments: [[], ["--isolate"]])
        func `a span ends with its run that somebody cancels, and says why`(options: [String]) throws {
            let program = try Program([
                "w.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "w", telemetry = true }
                  :step { id = "a", handler = function(_, context)
                    context:span("outer", { n = 1 }, function()
                      print "a runs"
                      context:span("inner", function() aikit.sleep "60s" end)
                    end)
                  end }
                  :commit()
                """
            ])
            defer { program.remove() }
            let run = try RunningProgram(program, ["run", "w.lua", "--run-id", "r"] + options)
            #expect(run.hear("a runs"))
            #expect(try program.run("runs", "cancel", "r", "--reason", "no stock").status == 0)
            _ = run.finish()
            let (outer, inner) = (try spans("outer", program), try spans("inner", program))
            try #require(outer.count == 1 && inner.count == 1)
            for span in outer + inner {
                #expect(span["status"]?["code"] == 2)
                #expect(span["status"]?["message"] == "the step was cancelled before it ended: no stock")
                #expect(attribute("error.type", of: span) == "cancelled")
            }
            #expect(inner[0]["parentSpanId"] == outer[0]["spanId"])
            #expect(outer[0]["endTimeUnixNano"] == inner[0]["endTimeUnixNano"])
        }

        @Test func `a span that ends before its step waits takes one entry of the journal, and two where it waits`()
            throws
        {
            func script(_ id: String, _ body: String) -> String {
                """
                local aikit = require "aikit"
                return aikit.workflow { id = "\(id)", telemetry = true }
                  :step { id = "a", handler = function(_, context)
                    for _ = 1, 10 do \(body) end
                    return 1
                  end }
                  :commit()
                """
            }
            let program = try Program([
                "none.lua": script("none", ""), "quick.lua": script("quick", #"context:span("s", function() end)"#),
                "slow.lua": script("slow", #"context:span("s", function() aikit.sleep "1ms" end)"#),
            ])
            defer { program.remove() }
            var counts: [String: Int64] = [:]
            for name in ["none", "quick", "slow"] {
                #expect(try program.run("run", "\(name).lua", "--run-id", name).status == 0)
                let last = try program.run("runs", "events", name).output.split(separator: "\n").last ?? ""
                counts[name] = try Value(json: String(last))["sequence"]?.int
            }
            let none = try #require(counts["none"])
            #expect(counts["quick"] == none + 10)
            #expect(counts["slow"] == none + 20)
        }

        @Test func `of a step that died twice each life has spans of its own, with the ids that it told of`() throws {
            let program = try Program([
                "w.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "w", telemetry = true }
                  :step { id = "a", handler = function(_, context)
                    local life
                    for n = 1, 3 do
                      if not life then context:once("life " .. n, function() life = n return true end) end
                    end
                    context:span("life", function()
                      context:emit { type = "step", data = context.trace.span_id }
                      if life < 3 then
                        print("life " .. life)
                        aikit.sleep "60s"
                      end
                    end)
                    return life
                  end }
                  :commit()
                """
            ])
            defer { program.remove() }
            for life in 1...2 {
                let run = try RunningProgram(program, "run", "w.lua", "--run-id", "r")
                #expect(run.hear("life \(life)"))
                // What a step said before it waits is in the store soon after.
                while try program.run("runs", "events", "r").output.ranges(of: #""name":"step""#).count < life {}
                run.crash()
            }
            let last = try program.run("run", "w.lua", "--run-id", "r")
            #expect(last.status == 0 && last.output.hasPrefix("3"), "\(last.errors)")
            let (roots, steps, lives) = (
                try spans("w", program), try spans("w.step.a", program), try spans("life", program)
            )
            try #require(roots.count == 3 && steps.count == 3 && lives.count == 3)
            #expect(Set((roots + steps + lives).compactMap { $0["spanId"]?.string }).count == 9)
            for (place, life) in lives.enumerated() {
                #expect(life["parentSpanId"] == steps[place]["spanId"])
                #expect(steps[place]["parentSpanId"] == roots[place]["spanId"])
                let told = steps[place]["events"]?.array?.first { $0["name"] == "step" }?["attributes"]?[0]?["value"]
                #expect(told?["stringValue"] == life["spanId"])
                #expect(life["status"]?["code"] == (place < 2 ? 2 : nil))
                #expect(attribute("error.type", of: life) == (place < 2 ? "interrupted" : nil))
                if place < 2 {
                    #expect(
                        life["status"]?["message"] == "the step was interrupted before it ended: its process died")
                }
            }
            for (before, after) in zip(steps, steps.dropFirst()) {
                #expect(after["links"]?[0]?["spanId"] == before["spanId"])
            }
        }
    }
}
