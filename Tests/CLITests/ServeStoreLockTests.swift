import FlatValue
import Foundation
import Platform
import Testing

extension CommandLine {
    @Suite("How a server ends whose store cannot be written")
    struct ServeStoreLockTests {
        private static let script = """
            local aikit = require "aikit"
            return {
              aikit.workflow { id = "wait" }:wait_for { id = "go", event = "go" }
                :step { id = "end", handler = function(input) return input end }:commit(),
              aikit.workflow { id = "nap" }
                :step { id = "one", handler = function(input) aikit.sleep("60s") return input end }:commit(),
            }
            """

        @Test(arguments: [[], ["wait"], ["wait", "nap"]])
        func `it ends with its grace, and its runs stay with the store`(_ workflows: [String]) async throws {
            let program = try Program(["w.lua": Self.script])
            defer { program.remove() }
            let first = try ServeTests.Server(program, "--grace", "1s")
            defer { first.running.send(SIGKILL) }
            for workflow in workflows {
                let body: Value = ["inputData": 1, "runId": Value(workflow)]
                #expect(try await first.ask("POST", "/api/workflows/\(workflow)/runs", body).status == 202)
            }
            if !workflows.isEmpty {
                #expect(try await first.ask("GET", "/api/runs/wait?wait=10s").json["status"] == "waiting")
            }
            let other = try OtherConnection(program.folder.appendingPathComponent("runs.db").path)
            try other.execute("BEGIN IMMEDIATE")
            first.running.send(SIGTERM)
            let outcome = first.running.finish()
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.errors.contains("stopped"))
            if !workflows.isEmpty {
                #expect(outcome.errors.contains("runs could not be released"), "\(outcome.errors)")
            }
            try other.execute("ROLLBACK")
            if workflows.isEmpty { return }
            let second = try ServeTests.Server(program)
            #expect(try await second.ask("POST", "/api/runs/wait/signals/go", ["data": 7]).status == 202)
            #expect(try await second.ask("GET", "/api/runs/wait?wait=20s").json["status"] == "success")
            second.running.send(SIGTERM)
            #expect(second.running.finish().status == 0)
        }
    }
}
