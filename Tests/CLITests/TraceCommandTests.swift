import FlatValue
import Foundation
import Synchronization
import Testing
import WorkflowCore

/// Commands that end runs, or move them, and what is told of their traces.
extension CommandLine {
    struct TraceCommandTests {
        private static let script = """
            local aikit = require "aikit"
            local function undo() end
            return aikit.workflow { id = "w", telemetry = true }
              :step { id = "book", handler = function(n) return n end, compensate = undo }
              :step(aikit.human { id = "ask" })
              :commit()
            """

        @Test func `a run that nobody drives is cancelled by a process that sends its spans`() throws {
            let program = try Program(["w.lua": Self.script])
            defer { program.remove() }
            let collector = try Collector()
            #expect(try program.run("run", "w.lua", "--run-id", "a", "--input", "1").status == 3)
            #expect(try program.run("run", "w.lua", "--run-id", "b", "--input", "1").status == 3)
            #expect(try program.run("runs", "cancel", "a").status == 0)
            #expect(collector.requests.isEmpty)
            let cancelled = try program.run("runs", "cancel", "b", "--otlp", collector.base)
            #expect(cancelled.status == 0, "\(cancelled.errors)")
            #expect(collector.requests == ["POST /v1/traces"], "\(cancelled.errors)")
        }

        @Test func `what a dead process had not sent is sent before its runs are removed`() throws {
            var program = try Program([
                "w.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "w" }:step { id = "a", handler = function() return 1 end }
                  :step { id = "b", handler = function()
                    print "b runs"
                    aikit.sleep "60s"
                  end }:commit()
                """
            ])
            defer { program.remove() }
            let collector = try Collector()
            // It sends nothing before a minute is over.
            program.variables = ["OTEL_BSP_SCHEDULE_DELAY": "60000"]
            let run = try RunningProgram(program, "run", "w.lua", "--run-id", "a", "--otlp", collector.base)
            #expect(run.hear("b runs"))
            run.crash()
            #expect(collector.requests.isEmpty)
            #expect(try program.run("runs", "cancel", "a").status == 0)
            #expect(try program.run("runs", "prune", "--dry-run", "--otlp", collector.base).status == 0)
            #expect(collector.requests.isEmpty)
            let pruned = try program.run("runs", "prune", "--otlp", collector.base)
            #expect(pruned.status == 0, "\(pruned.errors)")
            #expect(pruned.errors.contains("removed 1 run"))
            #expect(collector.requests == ["POST /v1/traces"])
        }

        @Test func `a damaged run keeps nobody from sending what a dead process had not sent`() throws {
            func script(_ id: String) -> String {
                """
                local aikit = require "aikit"
                return aikit.workflow { id = "\(id)" }:step { id = "mark", handler = function(mark) return mark .. mark end }
                  :step { id = "b", handler = function()
                    print "b runs"
                    aikit.sleep "60s"
                  end }:commit()
                """
            }
            var program = try Program(["a.lua": script("a"), "b.lua": script("b")])
            defer { program.remove() }
            let collector = try Collector()
            program.variables = ["OTEL_BSP_SCHEDULE_DELAY": "60000"]
            for name in ["a", "b"] {
                let run = try RunningProgram(
                    program, "run", "\(name).lua", "--run-id", name, "--input", "\"mark-\(name)\"", "--otlp",
                    collector.base)
                #expect(run.hear("b runs"))
                run.crash()
            }
            #expect(try program.run("runs", "cancel", "a").status == 0)
            // All that was written lies in the store's own file then.
            #expect(try program.run("runs", "prune", "--older-than", "1h", "--vacuum").status == 0)
            let file = program.folder.appendingPathComponent(".aikit/runs.db")
            var bytes = try Data(contentsOf: file)
            while let place = bytes.range(of: Data("mark-bmark-b".utf8)) {
                bytes.replaceSubrange(place, with: Data("mark-bmark-x".utf8))
            }
            try bytes.write(to: file)
            #expect(try program.run("runs", "check").status == 1)
            let pruned = try program.run("runs", "prune", "--otlp", collector.base)
            #expect(pruned.status == 0, "\(pruned.errors)")
            #expect(collector.requests == ["POST /v1/traces"], "\(pruned.errors)")
        }

        @Test func `a run that has no spans leads to none that has, however it is taken from it`() throws {
            let program = try Program([
                "w.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "w", telemetry = true }
                  :step { id = "a", handler = function(n) return n end }
                  :step { id = "b", handler = function(n, context) if n == 1 then context:restart(2) end return n end }
                  :commit()
                """
            ])
            defer { program.remove() }
            let collector = try Collector()
            let run = try program.run(
                "run", "w.lua", "--run-id", "r", "--input", "1", "--telemetry", "false", "--otlp", collector.base)
            #expect(run.status == 0, "\(run.errors)")
            for options in [["--from", "b"], ["--from", "a", "--input", "1"], ["--from", "a"]] {
                let fork = try program.run(["runs", "fork", "r", "--otlp", collector.base] + options)
                #expect(fork.status == 0 && fork.errors.contains("goes on as"), "\(fork.errors)")
            }
            #expect(collector.requests == [])
        }

        @Test func `the runs that such a run starts have no spans either, and those of another one have`() throws {
            let program = try Program([
                "w.lua": """
                local aikit = require "aikit"
                local child = aikit.workflow { id = "child" }:step { id = "a", handler = function(n) return n end }:commit()
                local parent = aikit.workflow { id = "parent" }
                  :step { id = "b", handler = function(n) return aikit.start(child, n, { wait = true }) end }
                  :commit()
                return { parent, child }
                """
            ])
            defer { program.remove() }
            let collector = try Collector()
            func run(_ options: String...) throws -> Program.Outcome {
                try program.run(
                    ["run", "w.lua", "--workflow", "parent", "--input", "1", "--otlp", collector.base] + options)
            }
            let silent = try run("--telemetry", "false")
            #expect(silent.status == 0, "\(silent.errors)")
            #expect(collector.requests == [])
            let told = try run()
            #expect(told.status == 0, "\(told.errors)")
            #expect(!collector.requests.isEmpty)
        }

        @Test func `certificates that are none are refused before anything runs`() throws {
            var program = try Program(["w.lua": Self.telling, "none.pem": "none"])
            defer { program.remove() }
            for name in ["CERTIFICATE", "CLIENT_CERTIFICATE"] {
                program.variables = ["OTEL_EXPORTER_OTLP_\(name)": "none.pem"]
                if name.hasPrefix("CLIENT") { program.variables["OTEL_EXPORTER_OTLP_CLIENT_KEY"] = "none.pem" }
                let run = try program.run("run", "w.lua", "--input", "1", "--otlp", "https://127.0.0.1:9")
                #expect(run.status == 2)
                #expect(run.output.isEmpty && run.errors.contains("none.pem"), "\(run.errors)")
                #expect(run.errors.contains("has no certificate in PEM"), "\(run.errors)")
            }
        }

        @Test func `what a collector that is down did not get comes once it is back, after any number of processes`()
            throws
        {
            var program = try Program(["w.lua": Self.telling])
            defer { program.remove() }
            let collector = try Collector()
            program.variables = ["OTEL_BSP_EXPORT_TIMEOUT": "1"]
            let none = "http://127.0.0.1:9"
            #expect(try program.run("run", "w.lua", "--run-id", "a", "--input", "1", "--otlp", none).status == 0)
            #expect(try program.run("runs", "recover", "--otlp", none).status == 0)
            #expect(try program.run("runs", "prune", "--older-than", "1d", "--otlp", none).status == 0)
            #expect(collector.requests.isEmpty)
            #expect(try program.run("runs", "recover", "--otlp", collector.base).status == 0)
            #expect(collector.requests == ["POST /v1/traces"])
            #expect(try program.run("runs", "recover", "--otlp", collector.base).status == 0)
            #expect(collector.requests == ["POST /v1/traces"])
        }

        @Test(arguments: [[], ["--isolate"], ["--telemetry", "true"]])
        func `the runs that a run without spans starts have none either`(options: [String]) throws {
            let program = try Program([
                "w.lua": """
                local aikit = require "aikit"
                local function child(id, telemetry)
                  return aikit.workflow { id = id, telemetry = telemetry }
                    :step { id = "a", handler = function(_, context) return context.trace.traceparent end }
                    :commit()
                end
                local parent = aikit.workflow { id = "p", telemetry = false }
                  :step { id = "a", handler = function()
                    for _, id in ipairs { "con", "cnone" } do
                      print(id, aikit.start(id, {}, { wait = true }))
                    end
                  end }
                  :commit()
                return { parent, child("con", true), child("cnone", nil) }
                """
            ])
            defer { program.remove() }
            let collector = try Collector()
            let run = try program.run(
                ["run", "w.lua", "--workflow", "p", "--input", "{}", "--otlp", collector.base] + options)
            #expect(run.status == 0, "\(run.errors)")
            let flags = (run.output + run.errors).split(separator: "\n").filter {
                $0.contains("\t00-") || $0.contains(" 00-")
            }
            .map { $0.suffix(3) }
            #expect(flags == ["-00", "-00"], "\(run.output) \(run.errors)")
            #expect(collector.requests.isEmpty)
        }

        private static let telling = """
            local aikit = require "aikit"
            return aikit.workflow { id = "w", telemetry = true }
              :step { id = "a", handler = function(_, context) return context.trace.traceparent end }
              :commit()
            """

        @Test(
            arguments: [
                ([], [:], "00"), (["--otlp", "http://127.0.0.1:9"], [:], "01"),
                (["--otlp", "http://127.0.0.1:9", "--isolate"], [:], "01"),
                (["--isolate"], [:], "00"),
                (["--otlp", "http://127.0.0.1:9", "--telemetry", "false"], [:], "00"),
                (["--otlp", "http://127.0.0.1:9"], ["OTEL_TRACES_SAMPLER": "always_off"], "00"),
                ([], ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:9"], "00"),
            ] as [([String], [String: String], String)])
        func `a step is told that its trace is recorded where it is sent, and nowhere else`(
            options: [String], variables: [String: String], flags: String
        ) throws {
            var program = try Program(["w.lua": Self.telling])
            defer { program.remove() }
            program.variables = variables
            let run = try program.run(["run", "w.lua", "--input", "1"] + options)
            #expect(run.status == 0, "\(run.errors)")
            #expect(
                run.output.trimmingCharacters(in: .whitespacesAndNewlines).hasSuffix("-\(flags)\""), "\(run.output)")
        }
    }
}

/// A server that takes whatever is sent by OTLP.
private final class Collector: Sendable {
    private let lines = Lines()
    private let service: WeatherService

    init() throws {
        service = try WeatherService(heads: { [lines] head in
            let words = head.split(separator: " ", maxSplits: 2)
            lines.add(words.prefix(2).joined(separator: " "))
            return (200, "{}")
        })
    }

    var base: String { service.base }
    /// The method and the path of each request.
    var requests: [String] { lines.all }

    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }
}
