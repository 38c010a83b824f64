import FlatValue
import Foundation
import Testing
import WorkflowCore

extension CommandLine {
    /// A server whose Lua is in processes of their own.
    @Suite("serve --isolate")
    struct IsolatedServeTests {
        private typealias Server = ServeTests.Server

        private static let script = """
            local aikit = require "aikit"
            local steps = aikit.workflow { id = "steps" }
              :step { id = "one", handler = function(input) aikit.sleep("5ms") return { n = input.n + 1 } end }
              :step { id = "two", handler = function(input, context)
                  context:log("info", "between")
                  return { n = input.n * 10 }
                end }
              :commit()
            local asks = aikit.workflow { id = "asks" }
              :human { id = "approve", output = function() return { text = "ok?" } end,
                  input = function(ask) return ask.form { title = "Ok?", fields = { ask.text { id = "word" } } } end,
                  response_schema = aikit.schema.object { word = aikit.schema.string() } }
              :step { id = "last", handler = function(reply) return reply.word end }
              :commit()
            local strict = aikit.workflow { id = "strict", input_schema = aikit.schema.object { n = aikit.schema.integer() } }
              :step { id = "one", handler = function(input) return input.n end }
              :commit()
            return { steps, asks, strict }
            """

        /// The VM processes of a server.
        static func processes(of server: Int32) -> [Int32] {
            let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return all.compactMap { Int32($0) }.filter { pid in
                guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
                    let end = stat.lastIndex(of: ")")
                else { return false }
                let fields = stat[stat.index(after: end)...].split(separator: " ")
                return fields.count > 1 && fields[0] != "Z" && Int32(fields[1]) == server
            }
        }

        static func poll(_ condition: () async throws -> Bool) async rethrows -> Bool {
            let end = Date.now.addingTimeInterval(30)
            while Date.now < end {
                if try await condition() { return true }
                try? await Task.sleep(for: .milliseconds(20))
            }
            return false
        }

        @Test(arguments: ["shared", "script", "run"])
        func `runs, answers and what is saved are as in process`(_ way: String) async throws {
            let program = try Program(["steps.lua": Self.script])
            defer { program.remove() }
            let server = try Server(program, "--isolate=\(way)")
            defer { server.running.send(SIGKILL) }
            for number in 0..<20 {
                let run = try await server.ask(
                    "POST", "/api/workflows/steps/run", ["inputData": ["n": Value(Int64(number))]])
                #expect(run.json["result"]?["n"]?.int == Int64(number + 1) * 10, "\(run.json.json)")
            }
            let asked = try await server.ask("POST", "/api/workflows/asks/run", ["inputData": [:], "runId": "a"])
            #expect(asked.json["status"] == "waiting_human", "\(asked.json.json)")
            let refused = try await server.ask(
                "POST", "/api/workflows/asks/runs/a/resume", ["stepId": "approve", "data": [:]])
            #expect(refused.status == 400 || refused.status == 422, "\(refused.status) \(refused.json.json)")
            let answered = try await server.ask(
                "POST", "/api/workflows/asks/runs/a/resume", ["stepId": "approve", "data": ["word": "yes"]])
            #expect(answered.json["result"] == "yes", "\(answered.status) \(answered.json.json)")
            for number in 0..<4 {
                let id = "k\(number)"
                _ = try await server.ask("POST", "/api/workflows/asks/run", ["inputData": [:], "runId": Value(id)])
                let port = server.port
                let answers = try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            let answer: Value = ["stepId": "approve", "data": ["word": "yes"]]
                            return try await Server.ask(
                                "POST", "/api/runs/\(id)/resume", answer, key: "one", port: port
                            )
                            .status
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(answers == [200, 200, 200, 200])
            }
            let path = "/api/workflows/strict/runs"
            let unfit = try await server.ask("POST", path, ["inputData": ["n": "x"], "runId": "s"])
            #expect(unfit.status == 422 && unfit.json["code"] == "invalid_input", "\(unfit.json.json)")
            #expect(unfit.json["details"]?["issues"]?[0]?["path"] == "n", "\(unfit.json.json)")
            #expect(try await server.ask("GET", "/api/runs/s").status == 404)
            #expect(try await server.ask("POST", path, ["inputData": ["n": 1], "runId": "s"]).status == 202)
            #expect(try await server.ask("GET", "/api/runs/s?wait=20s").json["result"] == 1)
            try program.write(Self.script.replacingOccurrences(of: "* 10", with: "* 100"), to: "steps.lua")
            #expect(server.running.hear("version 2 of steps.lua is live"))
            let changed = try await server.ask("POST", "/api/workflows/steps/run", ["inputData": ["n": 1]])
            #expect(changed.json["result"]?["n"] == 200, "\(changed.json.json)")
            try program.write("return require 'nothing'", to: "steps.lua")
            #expect(server.running.hear("steps.lua does not load"))
            try program.write("return {}", to: "nothing.lua")
            let live = try await server.ask("POST", "/api/workflows/steps/run", ["inputData": ["n": 2]])
            #expect(live.json["result"]?["n"] == 300, "\(live.json.json)")
            server.running.send(SIGTERM)
            #expect(server.running.finish().status == 0)
        }

        @Test func `runs that wait keep no process from others`() async throws {
            let program = try Program(["steps.lua": Self.script])
            defer { program.remove() }
            let server = try Server(program, "--isolate=run", "--workers", "1")
            defer { server.running.send(SIGKILL) }
            for number in 0..<20 {
                let run = try await server.ask(
                    "POST", "/api/workflows/asks/run", ["inputData": [:], "runId": Value("a\(number)")])
                #expect(run.json["status"] == "waiting_human", "\(run.json.json)")
            }
            #expect(await Self.poll { Self.processes(of: server.running.processID).count < 4 })
            let run = try await server.ask("POST", "/api/workflows/steps/run", ["inputData": ["n": 1]])
            #expect(run.json["result"]?["n"] == 20, "\(run.json.json)")
            let answered = try await server.ask(
                "POST", "/api/workflows/asks/runs/a3/resume", ["stepId": "approve", "data": ["word": "yes"]])
            #expect(answered.json["result"] == "yes", "\(answered.status) \(answered.json.json)")
            server.running.send(SIGTERM)
            #expect(server.running.finish().status == 0)
        }

        @Test func `a start whose run the queue takes at once is answered like every other one`() async throws {
            let script = """
                local aikit = require "aikit"
                return aikit.workflow { id = "one", concurrency = { limit = 1 } }
                  :step { id = "s", handler = function(input) return input end }
                  :commit()
                """
            let program = try Program(["one.lua": script])
            defer { program.remove() }
            let server = try Server(program, "--isolate", "--store", "memory")
            defer { server.running.send(SIGKILL) }
            for number in 0..<100 {
                let answer = try await server.ask(
                    "POST", "/api/workflows/one/runs",
                    ["inputData": ["n": Value(Int64(number))], "runId": Value("r\(number)")])
                #expect(answer.status == 202, "\(answer.json.json)")
            }
            for number in 0..<100 {
                let run = try await server.ask("GET", "/api/runs/r\(number)?wait=60s")
                #expect(run.json["result"]?["n"]?.int == Int64(number), "\(run.json.json)")
            }
        }

        @Test func `a process that dies is replaced, and runs go on`() async throws {
            let program = try Program(["steps.lua": Self.script])
            defer { program.remove() }
            let server = try Server(program, "--isolate")
            defer { server.running.send(SIGKILL) }
            let before = Self.processes(of: server.running.processID)
            #expect(!before.isEmpty)
            for number in 0..<200 {
                let answer = try await server.ask(
                    "POST", "/api/workflows/steps/runs",
                    ["inputData": ["n": Value(Int64(number))], "runId": Value("r\(number)")])
                #expect(answer.status == 202)
                if number % 50 == 25 {
                    for pid in Self.processes(of: server.running.processID) { kill(pid, SIGSEGV) }
                }
            }
            for number in 0..<200 {
                let run = try await server.ask("GET", "/api/runs/r\(number)?wait=15s")
                #expect(run.json["result"]?["n"]?.int == Int64(number + 1) * 10, "\(run.json.json)")
            }
            #expect(Set(before).isDisjoint(with: Self.processes(of: server.running.processID)))
            server.running.send(SIGTERM)
            #expect(server.running.finish().status == 0)
        }

        @Test func `a process that the system has stopped is replaced, and runs go on`() async throws {
            let program = try Program(["steps.lua": Self.script])
            defer { program.remove() }
            let server = try Server(program, "--isolate")
            defer { server.running.send(SIGKILL) }
            let stopped = Self.processes(of: server.running.processID)
            #expect(!stopped.isEmpty)
            for pid in stopped { kill(pid, SIGSTOP) }
            for number in 0..<4 {
                _ = try await server.ask(
                    "POST", "/api/workflows/steps/runs",
                    ["inputData": ["n": Value(Int64(number))], "runId": Value("r\(number)")])
            }
            for number in 0..<4 {
                let run = try await server.ask("GET", "/api/runs/r\(number)?wait=60s")
                #expect(run.json["result"]?["n"]?.int == Int64(number + 1) * 10, "\(run.json.json)")
            }
            server.running.send(SIGTERM)
            #expect(server.running.finish().status == 0)
        }

        @Test func `a killed server leaves no process behind, and its runs go on in the next one`() async throws {
            let program = try Program([
                "waits.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "waits" }
                  :step { id = "one", handler = function(input) return input end }
                  :step { id = "two", handler = function(input) aikit.sleep("300ms") return input end }
                  :commit()
                """
            ])
            defer { program.remove() }
            let first = try Server(program, "--isolate")
            for number in 0..<20 {
                _ = try await first.ask(
                    "POST", "/api/workflows/waits/runs", ["inputData": 7, "runId": Value("r\(number)")])
            }
            let left = Self.processes(of: first.running.processID)
            #expect(!left.isEmpty)
            first.running.crash()
            #expect(await Self.poll { left.allSatisfy { kill($0, 0) != 0 } })
            let second = try Server(program, "--isolate")
            defer { second.running.send(SIGKILL) }
            for number in 0..<20 {
                let run = try await second.ask("GET", "/api/runs/r\(number)?wait=20s")
                #expect(run.json["result"] == 7, "\(run.json.json)")
            }
            second.running.send(SIGTERM)
            #expect(second.running.finish().status == 0)
        }
    }
}
