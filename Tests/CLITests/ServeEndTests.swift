import AsyncHTTPClient
import FlatValue
import Foundation
import NIOCore
import NIOHTTP1
import Platform
import Testing
import WorkflowCore

extension CommandLine {
    @Suite("How a server ends")
    struct ServeEndTests {
        @Test func `a server that is killed loses no run that it has accepted`() async throws {
            let program = try Program(["slow.lua": ServeTests.script, "lib.lua": "return {}", "broken.lua": "return ="])
            defer { program.remove() }
            let first = try ServeTests.Server(program)
            var ids: [String] = []
            for number in 0..<30 {
                let answer = try await first.ask(
                    "POST", "/api/workflows/slow/runs",
                    ["inputData": Value(Int64(number)), "runId": Value("r\(number)")])
                #expect(answer.status == 202)
                ids.append("r\(number)")
            }
            first.running.crash()
            let second = try ServeTests.Server(program)
            for id in ids {
                let answer = try await second.ask("GET", "/api/runs/\(id)?wait=15s")
                #expect(answer.json["status"] == "success", "\(id): \(answer.json.json)")
                let events = try await second.ask("GET", "/api/runs/\(id)/events")
                let sequences = events.json["events"]?.array?.compactMap { $0["sequence"]?.int } ?? []
                #expect(sequences == sequences.sorted() && Set(sequences).count == sequences.count)
            }
            let again = try await second.ask("POST", "/api/workflows/slow/runs", ["inputData": 0, "runId": "r0"])
            #expect(again.status == 200)
            let listed = try await second.ask("GET", "/api/workflows")
            #expect(listed.json["broken"]?.array?.compactMap { $0["file"]?.string } == ["broken.lua"])
            second.running.send(SIGTERM)
            #expect(second.running.finish().status == 0)
        }

        @Test(.timeLimit(.minutes(3)), arguments: [["--grace", "1h"], ["--grace", "1h", "--isolate=run"]])
        func `a run that waits for another one is released with it, at once, and goes on with the next server`(
            _ way: [String]
        ) async throws {
            let program = try Program([
                "family.lua": """
                local aikit = require "aikit"
                local child = aikit.workflow { id = "child" }
                  :step { id = "first", handler = function() print "first" aikit.sleep "300ms" return 1 end }
                  :wait_for { id = "go", event = "go" }
                  :commit()
                local parent = aikit.workflow { id = "parent" }
                  :step { id = "ask", handler = function() return aikit.start(child, {}, { id = "c", wait = true }) end }
                  :commit()
                return { parent, child }
                """
            ])
            defer { program.remove() }
            let first = try ServeTests.Server(program, serving: ".", way)
            defer { first.running.send(SIGKILL) }
            let body: Value = ["inputData": [:], "runId": "p"]
            #expect(try await first.ask("POST", "/api/workflows/parent/runs", body).status == 202)
            let hasBegun = try await IsolatedServeTests.poll {
                try await first.ask("GET", "/api/runs/c?summary=true").json["status"] == "waiting"
            }
            #expect(hasBegun)
            first.running.send(SIGTERM)
            let ended = first.running.finish()
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(ended.errors.split(separator: "\n").count { $0.hasSuffix("first") } <= 1, "\(ended.errors)")
            let list = try program.run("runs", "list", "--store", "runs.db").output
            #expect(list.contains("running (released)") && !list.contains("process gone"), "\(list)")
            let json = try program.run("runs", "list", "--store", "runs.db", "--json").output
            #expect(json.contains(#""released": true"#) && !json.contains("processGone"), "\(json)")
            let second = try ServeTests.Server(program, serving: ".", way)
            defer { second.running.send(SIGKILL) }
            #expect(try await second.ask("POST", "/api/runs/c/signals/go", ["data": 7]).status < 300)
            let settled = try await second.ask("GET", "/api/runs/p?wait=20s").json
            #expect(settled["result"] == 7, "\(settled.json)")
        }

        @Test func `what was acknowledged is there after the server was killed`() async throws {
            let program = try Program([
                "wait.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "wait" }:wait_for { id = "go", event = "go" }
                  :step { id = "end", handler = function(input) return input end }:commit()
                """
            ])
            defer { program.remove() }
            let ids = (0..<30).map { "w\($0)" }
            let first = try ServeTests.Server(program)
            for id in ids {
                _ = try await first.ask("POST", "/api/workflows/wait/runs", ["inputData": 1, "runId": Value(id)])
                #expect(try await first.ask("GET", "/api/runs/\(id)?wait=10s").json["status"] == "waiting")
            }
            for id in ids {
                #expect(try await first.ask("POST", "/api/runs/\(id)/signals/go", ["data": 7]).status == 202)
            }
            first.running.crash()
            let second = try ServeTests.Server(program)
            for id in ids {
                #expect(try await second.ask("GET", "/api/runs/\(id)?wait=15s").json["status"] == "success")
            }
            let forked = try await second.ask("POST", "/api/runs/w0/fork", ["from": "end", "runId": "f"])
            second.running.crash()
            #expect(forked.status == 202)
            let third = try ServeTests.Server(program)
            #expect(try await third.ask("GET", "/api/runs/f?wait=15s").json["status"] == "success")
            #expect(try await third.ask("POST", "/api/schedules/none/pause").status == 404)
            third.running.send(SIGTERM)
            #expect(third.running.finish().status == 0)
        }

        @Test(arguments: [[SIGHUP], [SIGHUP, SIGHUP, SIGHUP], [SIGINT], [SIGTERM, SIGHUP], [SIGHUP, SIGTERM]])
        func `a server ends in good order however it is asked to, and leaves its runs to the next one`(
            _ signals: [Int32]
        ) async throws {
            let program = try Program([
                "nap.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "nap" }
                  :step { id = "one", handler = function(input) aikit.sleep("300ms") return input end }
                  :step { id = "two", handler = function(input) return input end }:commit()
                """
            ])
            defer { program.remove() }
            let first = try ServeTests.Server(program)
            for number in 0..<5 {
                let body: Value = ["inputData": 1, "runId": Value("n\(number)")]
                #expect(try await first.ask("POST", "/api/workflows/nap/runs", body).status == 202)
            }
            for signal in signals { first.running.send(signal) }
            let outcome = first.running.finish()
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.errors.contains("stopped"))
            // A run that was given back is nobody's; one that was left behind would wait for its owner's lease.
            let listed = try program.run("runs", "list", "--store", "runs.db", "--json").output
            #expect(!listed.contains("\"owner\""))
            let second = try ServeTests.Server(program)
            for number in 0..<5 {
                let over = try await second.ask("GET", "/api/runs/n\(number)?wait=15s")
                #expect(over.json["status"] == "success")
            }
            second.running.send(SIGTERM)
            #expect(second.running.finish().status == 0)
        }

        @Test func `a server that is ended answers all who wait, and lets its runs go`() async throws {
            let program = try Program([
                "wait.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "wait" }:wait_for { id = "go", event = "go" }:commit()
                """,
                "nap.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "nap" }
                  :step { id = "one", handler = function(input) aikit.sleep("60s") return input end }:commit()
                """,
            ])
            defer { program.remove() }
            let server = try ServeTests.Server(program, "--grace", "20s")
            defer { server.running.send(SIGKILL) }
            for number in 0..<4 {
                // One waits for an event, one goes on for long, and one begins later.
                for (id, workflow, delay) in [("w", "wait", "0s"), ("n", "nap", "0s"), ("l", "wait", "1h")] {
                    let body: Value = [
                        "inputData": 1, "runId": Value("\(id)\(number)"), "delay": Value(delay),
                    ]
                    #expect(try await server.ask("POST", "/api/workflows/\(workflow)/runs", body).status == 202)
                }
            }
            var configuration = HTTPClient.Configuration()
            configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 500
            let client = HTTPClient(configuration: configuration)
            let (port, waits, streams) = (server.port, 100, 100)
            let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
                for number in 0..<waits {
                    let path = "/api/runs/\(number % 2 == 0 ? "n" : "l")\(number / 2 % 4)?wait=60s"
                    group.addTask { try await Answer(path, isStream: false, client, port) }
                }
                for number in 0..<streams {
                    let path =
                        number % 2 == 0
                        ? "/api/events" : "/api/runs/\(number % 4 == 1 ? "w" : "n")\(number / 4 % 4)/events"
                    group.addTask { try await Answer(path, isStream: true, client, port) }
                }
                while true {
                    let text = try await Answer("/metrics", isStream: false, client, port).text
                    // The question itself is one of the requests.
                    if text.contains("aikit_http_requests_in_flight \(waits + 1)\n"),
                        text.contains("aikit_sse_clients \(streams)\n")
                    {
                        break
                    }
                    try await Task.sleep(for: .milliseconds(20))
                }
                server.running.send(SIGTERM)
                return try await group.reduce(into: []) { $0.append($1) }
            }
            try await client.shutdown()
            #expect(server.running.finish().status == 0)
            #expect(answers.count == waits + streams)
            for answer in answers {
                if answer.isStream {
                    #expect(answer.status == 200 && answer.text.hasSuffix("retry: 1000\n\n"), "\(answer.text)")
                } else {
                    #expect(
                        answer.status == 202 && (try? Value(json: answer.text)) != nil,
                        "\(answer.status) \(answer.text)")
                }
            }
            // A run that was given back is nobody's.
            let listed = try program.run("runs", "list", "--store", "runs.db", "--json").output
            #expect(!listed.contains("\"owner\""))
        }

        /// What a server says to its end: one that is cut off throws.
        private struct Answer: Sendable {
            var status: Int
            var text: String
            var isStream: Bool

            init(_ path: String, isStream: Bool, _ client: HTTPClient, _ port: Int) async throws {
                var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
                if isStream { request.headers.add(name: "accept", value: "text/event-stream") }
                let response = try await client.execute(request, timeout: .seconds(60))
                (status, self.isStream) = (Int(response.status.code), isStream)
                text = String(buffer: try await response.body.collect(upTo: 1 << 22))
            }
        }
    }
}
