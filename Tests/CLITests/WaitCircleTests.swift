import FlatValue
import Foundation
import Platform
import Testing

extension CommandLine {
    struct WaitCircleTests {
        /// `pair`, of which two may be under way, waits for an event and then for a run of a workflow, if its input names one.
        private static let script = """
            local aikit = require "aikit"
            local function pair(id, limit)
              return aikit.workflow { id = id, concurrency = { limit = limit } }
                :step { id = "keep", handler = function(input, context) context.store.starts = input.starts return input end }
                :branch { id = "way", resolve = function(input) return input.starts and "deep" or "flat" end, cases = {
                  deep = {
                    aikit.wait_for { id = "go", event = "go" },
                    aikit.step { id = "start", handler = function(_, context)
                      local ok, result = pcall(aikit.start, context.store.starts, {}, { wait = true })
                      return ok and result or result.code
                    end },
                  },
                  flat = { aikit.step { id = "quick", handler = function() return "done" end } },
                } }
                :commit()
            end
            return { pair("pair", 2), pair("left", 1), pair("right", 1) }
            """

        /// Two runs that hold all places, and the workflows whose runs they start.
        @Test(
            arguments: [[], ["--isolate=run"]],
            [[("pair", "pair"), ("pair", "pair")], [("left", "right"), ("right", "left")]])
        func `of runs that wait for each other's places one is told so, and the other goes on`(
            _ way: [String], _ runs: [(workflow: String, starts: String)]
        ) async throws {
            let program = try Program(["pair.lua": Self.script])
            defer { program.remove() }
            let server = try ServeTests.Server(program, serving: ".", way)
            defer { server.running.send(SIGKILL) }
            for (number, run) in runs.enumerated() {
                let body: Value = ["inputData": ["starts": Value(run.starts)], "runId": Value("r\(number)")]
                #expect(try await server.ask("POST", "/api/workflows/\(run.workflow)/runs", body).status == 202)
                let settled = try await server.ask("GET", "/api/runs/r\(number)?wait=20s").json
                #expect(settled["status"] == "waiting", "\(settled.json)")
            }
            for number in runs.indices {
                #expect(try await server.ask("POST", "/api/runs/r\(number)/signals/go", ["data": nil]).status < 300)
            }
            var results: [String] = []
            for number in runs.indices {
                let settled = try await server.ask("GET", "/api/runs/r\(number)?wait=20s").json
                results.append(settled["result"]?.string ?? settled.json)
            }
            #expect(results.sorted() == ["done", "waits_for_itself"])
        }

        /// A server that drives a run of its own, which waits for the event `go`.
        private func server(
            _ program: Program, _ way: [String], driving run: (workflow: String, starts: String), _ number: Int
        ) async throws -> (server: ServeTests.Server, run: String) {
            let server = try ServeTests.Server(program, serving: ".", way)
            // Another server of the store may be quicker to begin it.
            for attempt in 0..<20 {
                let id = "r\(number)-\(attempt)"
                let body: Value = ["inputData": ["starts": Value(run.starts)], "runId": Value(id)]
                #expect(try await server.ask("POST", "/api/workflows/\(run.workflow)/runs", body).status == 202)
                let settled = try await server.ask("GET", "/api/runs/\(id)?wait=20s").json
                #expect(settled["status"] == "waiting", "\(settled.json)")
                let owner = try await server.ask("GET", "/api/runs/\(id)?summary=true").json["owner"]?.string ?? ""
                if owner.hasSuffix(":\(server.running.processID)") { return (server, id) }
                #expect(try await server.ask("POST", "/api/runs/\(id)/cancel").status < 300)
            }
            server.running.send(SIGKILL)
            return try #require(nil, "it drives none of its runs")
        }

        @Test(
            arguments: [[], ["--isolate=run"]],
            [[("pair", "pair"), ("pair", "pair")], [("left", "right"), ("right", "left")]])
        func `of runs of two processes the newest that waits is told so`(
            _ way: [String], _ runs: [(workflow: String, starts: String)]
        ) async throws {
            let program = try Program(["pair.lua": Self.script])
            defer { program.remove() }
            var servers: [(server: ServeTests.Server, run: String)] = []
            defer { for (server, _) in servers { server.running.send(SIGKILL) } }
            for (number, run) in runs.enumerated() {
                servers.append(try await server(program, way, driving: run, number))
            }
            for (server, run) in servers {
                #expect(try await server.ask("POST", "/api/runs/\(run)/signals/go", ["data": nil]).status < 300)
                let hasStarted = try await IsolatedServeTests.poll {
                    try await server.ask("GET", "/api/runs?lineage=\(run)").json["runs"]?[0] != nil
                }
                #expect(hasStarted)
            }
            for (index, (server, run)) in servers.enumerated() {
                let settled = try await server.ask("GET", "/api/runs/\(run)?wait=20s").json
                #expect(settled["result"]?.string == (index == 0 ? "done" : "waits_for_itself"), "\(settled.json)")
            }
        }
    }
}
