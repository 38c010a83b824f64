import FlatValue
import Foundation
import LuaWorkflows
import SQLiteJournal
import Testing
import WorkflowCore
import WorkflowEngine

extension CommandLine {
    /// Servers of one store that are killed and started again while runs with limits wait for each other.
    struct QueueStormTests {
        private static let script = """
            local aikit = require "aikit"
            return aikit.workflow {
                id = "job",
                concurrency = { limit = 2, key = function(input) return input.tenant end },
                rate_limit = { limit = 12, period = "1s" },
                priority = function(input) return input.priority end,
              }
              :step { id = "work", handler = function(input) aikit.sleep("40ms") return input end }
              :commit()
            """
        private static let runs = 48

        @Test func `no limit is ever exceeded, and no run that was accepted is lost`() async throws {
            let program = try Program(["job.lua": Self.script])
            defer { program.remove() }
            var servers = try (0..<3).map { _ in try ServeTests.Server(program) }
            for number in 0..<Self.runs {
                let request: Value = [
                    "inputData": [
                        "tenant": Value("t\(number % 3)"), "priority": Value(Int64(number % 4)),
                    ], "runId": Value("r\(number)"),
                ]
                // A client that has no answer asks again.
                for attempt in 0... {
                    let server = servers[(number + attempt) % servers.count]
                    let answer = try? await server.ask("POST", "/api/workflows/job/runs", request)
                    if [200, 202].contains(answer?.status) { break }
                    try #require(attempt < 20)
                }
                guard number % 10 == 9 else { continue }
                let victim = (number / 10) % servers.count
                servers[victim].running.crash()
                servers[victim] = try ServeTests.Server(program)
            }
            for number in 0..<Self.runs {
                let answer = try await servers[0].ask("GET", "/api/runs/r\(number)?wait=15s")
                #expect(answer.json["status"] == "success", "r\(number): \(answer.json.json)")
            }
            for server in servers { server.running.send(SIGTERM) }
            for server in servers { _ = server.running.finish() }
            try await checkJournals(program)
        }

        private func checkJournals(_ program: Program) async throws {
            let engine = WorkflowEngine(workers: 1)
            defer { engine.shutdown() }
            let plan = try await LuaScript.load(source: Self.script, named: "job.lua", on: engine).workflows[0].plan
            let journal = try SQLiteJournal(path: program.folder.appendingPathComponent("runs.db").path)
            #expect(try await journal.check().isEmpty)
            #expect(try await journal.queueFigures().waiting == 0)
            var spans: [String: [(start: Int64, end: Int64)]] = [:]
            var starts: [Int64] = []
            for header in try await journal.list(RunFilter()) {
                let record = try RunRecord(try #require(try await journal.load(header.id)), plan: plan)
                let events = (0..<record.log.count).map { record.log[$0] }
                let begin = try #require(events.first { $0.kind == .workflowStart })
                let end = try #require(events.last { $0.kind.isTerminal })
                let tenant = record.log.value(begin.payload)["tenant"]?.string ?? ""
                spans[tenant, default: []].append((begin.time, end.time))
                starts.append(begin.time)
            }
            await journal.close()
            #expect(starts.count == Self.runs)
            for (tenant, spans) in spans {
                for span in spans {
                    let beside = spans.count { $0.start <= span.start && span.start < $0.end }
                    #expect(beside <= 2, "\(beside) runs of \(tenant) at once")
                }
            }
            for start in starts {
                let within = starts.count { $0 >= start && $0 < start + 1_000_000 }
                #expect(within <= 12, "\(within) runs began within a second")
            }
        }
    }
}
