import FlatValue
import Foundation
import Platform
import Testing

extension CommandLine {
    /// Chains of runs of workflows that have limits, wherever their code runs.
    struct ChainLimitTests {
        private typealias Server = ServeTests.Server

        /// A workflow for each limit, whose runs restart as often as `n` says.
        private static let script = """
            local aikit = require "aikit"
            local limits = {
              { id = "skip", singleton = {} }, { id = "cancel", singleton = { on_conflict = "cancel-running" } },
              { id = "queue", singleton = { on_conflict = "queue" } }, { id = "concurrency", concurrency = { limit = 1 } },
              { id = "rate", rate_limit = { limit = 1, period = "1h" } }, { id = "debounce", debounce = { period = "200ms" } },
            }
            local workflows = {}
            for number, limit in ipairs(limits) do
              workflows[number] = aikit.workflow(limit)
                :step { id = "s", handler = function(input, context)
                  if input.n == 3 then context:set_tags { first = "yes" } end
                  aikit.sleep "20ms"
                  if input.n > 0 then context:restart { n = input.n - 1 } end
                  return "end"
                end }
                :commit()
            end
            return workflows
            """

        private static let limits = ["skip", "cancel", "queue", "concurrency", "rate", "debounce"]

        @Test(arguments: ["none", "shared", "script", "run"], ["memory", "runs.db"])
        func `a chain comes to its end, with the tags of its beginning`(_ way: String, _ store: String) throws {
            let program = try Program(["flow.lua": Self.script])
            defer { program.remove() }
            for limit in Self.limits {
                let run = try program.run(
                    "run", "flow.lua", "--workflow", limit, "--run-id", limit, "--input", #"{"n":3}"#,
                    "--isolate=\(way)",
                    "--store", store)
                #expect(run.status == 0, "\(limit): \(run.errors)")
                #expect(run.output == "\"end\"\n", "\(limit)")
                guard store != "memory" else { continue }
                let shown = try program.run("runs", "list", "--tag", "first=yes", "--store", store, "--workflow", limit)
                #expect(shown.output.contains("\(limit)~4"), "\(limit): \(shown.output)")
            }
        }

        @Test(arguments: ["none", "shared", "run"])
        func `a chain keeps its place, and nothing comes between`(_ way: String) async throws {
            // The last run of a chain goes on when it is told to.
            let waiting = Self.script.replacingOccurrences(
                of: ":commit()", with: ":wait_for { id = \"go\", event = \"go\" }:commit()")
            let program = try Program(["flow.lua": waiting])
            defer { program.remove() }
            let server = try Server(program, "--isolate=\(way)")
            defer { server.running.send(SIGKILL) }
            func start(_ limit: String, _ id: String, _ count: Int64) async throws -> Value {
                try await server.ask(
                    "POST", "/api/workflows/\(limit)/runs", ["inputData": ["n": Value(count)], "runId": Value(id)]
                ).json
            }
            func status(_ run: String) async throws -> String {
                try await server.ask("GET", "/api/runs/\(run)").json["status"]?.string ?? ""
            }
            func reaches(_ run: String, _ wanted: String) async throws -> Bool {
                try await IsolatedServeTests.poll { try await status(run) == wanted }
            }
            func end(_ run: String) async throws -> Bool {
                _ = try await server.ask("POST", "/api/runs/\(run)/signals/go", [:])
                return try await reaches(run, "success")
            }
            for limit in Self.limits {
                let (first, last, other) = ("\(limit)-a", "\(limit)-a~4", "\(limit)-b")
                #expect(try await start(limit, first, 3)["runId"]?.string == first)
                #expect(try await reaches(last, "waiting"), "\(limit): \(server.running.said)")
                let given = try await start(limit, other, 0)["runId"]?.string
                #expect(given == (limit == "skip" ? last : other), "\(limit)")
                switch limit {
                case "queue", "concurrency":
                    #expect(try await status(other) == "queued", "\(limit)")
                    #expect(try await end(last), "\(limit)")
                    #expect(try await reaches(other, "waiting"), "\(limit)")
                case "cancel":
                    #expect(try await reaches(last, "cancelled"))
                    #expect(try await reaches(other, "waiting"))
                case "debounce":
                    #expect(try await reaches(other, "waiting"))
                    #expect(try await end(last))
                case "rate":
                    #expect(try await end(last))
                    #expect(try await status(other) == "queued")
                default: #expect(try await end(last))
                }
            }
        }
    }
}
