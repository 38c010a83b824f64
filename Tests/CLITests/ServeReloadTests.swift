import FlatValue
import Foundation
import Platform
import Testing
import WorkflowCore

extension CommandLine {
    @Suite("What a server loads again")
    struct ServeReloadTests {
        @Test func `what a script needs and was not given is told once for each change of it`() throws {
            func needs(_ host: String) -> String {
                "require('aikit').requires { net = { '\(host)' }, env = { 'HOME' } }\n" + ServeTests.script
            }
            let program = try Program(["slow.lua": needs("a.example")])
            defer { program.remove() }
            let server = try ServeTests.Server(program, "--allow-env=HOME")
            defer { server.running.send(SIGKILL) }
            let text = "slow.lua needs permissions that it was not given, so runs of it may fail; to give them, add: "
            #expect(server.running.said.contains(text + "--allow-net=a.example\n"), "\(server.running.said)")
            // The same needs again are known.
            try program.write(needs("a.example") + "\n", to: "slow.lua")
            server.running.hear("version 2 of slow.lua is live")
            try program.write(needs("b.example"), to: "slow.lua")
            server.running.hear("--allow-net=b.example")
            server.running.send(SIGTERM)
            let said = server.running.finish().errors
            #expect(said.components(separatedBy: text).count == 3, "\(said)")
        }

        @Test func `what is saved is loaded, and what does not load leaves the version before live`() async throws {
            let program = try Program(["slow.lua": ServeTests.script])
            defer { program.remove() }
            let server = try ServeTests.Server(program)
            try program.write(ServeTests.script.replacingOccurrences(of: "\"slow\"", with: "\"quick\""), to: "slow.lua")
            #expect(server.running.hear("version 2 of slow.lua is live"))
            #expect(try await server.ask("GET", "/api/workflows/quick").status == 200)
            try program.write("return = 1", to: "slow.lua")
            #expect(server.running.hear("slow.lua does not load"))
            let run = try await server.ask("POST", "/api/workflows/quick/run", ["inputData": 1])
            #expect(run.json["status"] == "success")
            server.running.send(SIGTERM)
            #expect(server.running.finish().status == 0)
        }

        /// Allows a process so many file descriptors from now on; 0 for as many as it may have.
        private func allow(_ count: Int, _ server: RunningProgram) throws {
            let code = """
                import resource, sys
                number, count = int(sys.argv[1]), int(sys.argv[2])
                hard = resource.prlimit(number, resource.RLIMIT_NOFILE)[1]
                resource.prlimit(number, resource.RLIMIT_NOFILE, (count or hard, hard))
                """
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["python3", "-c", code, "\(server.processID)", "\(count)"]
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0)
        }

        @Test(arguments: [".", "slow.lua"])
        func `without file descriptors what is live stays so, and it is looked at again`(_ path: String) async throws {
            let program = try Program(["slow.lua": ServeTests.script])
            defer { program.remove() }
            let server = try ServeTests.Server(program, serving: path, [])
            defer { server.running.send(SIGKILL) }
            #expect(try await server.ask("GET", "/api/workflows/slow").status == 200)
            try allow(3, server.running)
            #expect(server.running.hear("no file descriptor is left"))
            // What changes meanwhile is seen once there are some again.
            try program.write(ServeTests.script + "-- edited", to: "slow.lua")
            try await Task.sleep(for: .seconds(2))
            try allow(0, server.running)
            #expect(server.running.hear("version 2 of slow.lua is live"), "\(server.running.said)")
            let said = server.running.said
            #expect(!said.contains("does not load") && !said.contains("is gone"), "\(said)")
            #expect(said.components(separatedBy: "no file descriptor is left").count == 2, "\(said)")
            #expect(try await server.ask("GET", "/api/workflows").json["broken"]?.array?.isEmpty != false)
            let run = try await server.ask("POST", "/api/workflows/slow/run", ["inputData": 1])
            #expect(run.json["status"] == "success")
            server.running.send(SIGTERM)
            #expect(server.running.finish().status == 0)
        }

        @Test func `a file that takes the id of another file's workflow is the one that is not used`() async throws {
            let other = ServeTests.script.replacingOccurrences(of: "\"slow\"", with: "\"other\"")
            let program = try Program(["a.lua": other, "slow.lua": ServeTests.script])
            defer { program.remove() }
            let server = try ServeTests.Server(program)
            try program.write(other.replacingOccurrences(of: "\"other\"", with: "\"slow\""), to: "a.lua")
            #expect(server.running.hear("a.lua: workflow 'slow' is in slow.lua already"))
            let listed = try await server.ask("GET", "/api/workflows")
            #expect(listed.json["broken"]?.array?.compactMap { $0["file"]?.string } == ["a.lua"])
            let run = try await server.ask("POST", "/api/workflows/slow/run", ["inputData": 1])
            #expect(run.json["status"] == "success")
            server.running.send(SIGTERM)
            #expect(server.running.finish().status == 0)
        }

        @Test func `a script that is renamed goes on, and one that is deleted and not live is forgotten`() async throws
        {
            func script(_ id: String, _ answer: Int) -> String {
                """
                return require("aikit").workflow { id = "\(id)" }
                  :step { id = "s", handler = function() return \(answer) end }:commit()
                """
            }
            let program = try Program(["a.lua": script("q", 1), "x.lua": script("y", 1)])
            defer { program.remove() }
            let server = try ServeTests.Server(program)
            func comes(_ workflow: String, to answer: Value, broken: [String]) async throws {
                var (last, files): (Value?, [String?]) = (nil, [])
                for _ in 0..<500 {
                    last = try await server.ask("POST", "/api/workflows/\(workflow)/run", ["inputData": 1]).json[
                        "result"]
                    files =
                        try await server.ask("GET", "/api/workflows").json["broken"]?.array?.map { $0["file"]?.string }
                        ?? []
                    if last == answer, files == broken { return }
                    try await Task.sleep(for: .milliseconds(20))
                }
                Issue.record("\(String(describing: last)), broken \(files): \(server.running.said)")
            }
            try program.write(script("q", 2), to: "b.lua")
            try await comes("q", to: 1, broken: ["b.lua"])
            #expect(!server.running.said.contains("version 1 of b.lua is live"))
            try program.delete("a.lua")
            try await comes("q", to: 2, broken: [])
            try program.write(script("q", 3), to: "b.lua")
            try await comes("q", to: 3, broken: [])
            // One that only was in conflict leaves nothing behind; what is live of one that is gone stays.
            try program.write(script("q", 4), to: "c.lua")
            try await comes("q", to: 3, broken: ["c.lua"])
            try program.delete("c.lua")
            try await comes("q", to: 3, broken: [])
            try program.delete("x.lua")
            try await comes("y", to: 1, broken: ["x.lua"])
            try program.write(script("y", 5), to: "z.lua")
            try await comes("y", to: 5, broken: [])
            server.running.send(SIGTERM)
            #expect(server.running.finish().status == 0)
        }

        @Test func `a script that never ends loading holds up no run and no other script`() async throws {
            let program = try Program(["slow.lua": ServeTests.script])
            defer { program.remove() }
            let server = try ServeTests.Server(program, "--workers", "1")
            #expect(try await server.ask("POST", "/api/workflows/slow/run", ["inputData": 1]).json["result"] == 1)
            try program.write("while true do end", to: "endless.lua")
            try program.write("while true do end", to: "endless2.lua")
            try program.write(ServeTests.script.replacingOccurrences(of: "\"slow\"", with: "\"late\""), to: "late.lua")
            var numbers = 0
            while try await server.ask("GET", "/api/workflows/late").status != 200, numbers < 2000 {
                numbers += 1
                let run = try await server.ask("POST", "/api/workflows/slow/run", ["inputData": 2])
                #expect(run.json["result"] == 2)
            }
            #expect(try await server.ask("POST", "/api/workflows/late/run", ["inputData": 3]).json["result"] == 3)
            // They are still being loaded.
            #expect(!server.running.said.contains("endless.lua does not load"))
            server.running.send(SIGTERM)
            #expect(server.running.finish().status == 0)
        }

        @Test func `a webhook stays with the workflow that has its path`() async throws {
            func script(_ id: String, _ path: String) -> String {
                """
                local aikit = require "aikit"
                return aikit.workflow { id = "\(id)", hooks = { { id = "in", path = "\(path)" } } }
                  :step { id = "s", handler = function(input) return input end }:commit()
                """
            }
            let program = try Program(["m.lua": script("owner", "orders")])
            defer { program.remove() }
            let server = try ServeTests.Server(program)
            func asked(_ path: String) async throws -> Value? {
                let run = try await server.ask("POST", "/hooks/\(path)", [:]).json["runId"]?.string
                return try await server.ask("GET", "/api/runs/\(run ?? "")").json["workflowId"]
            }
            let problem = "the webhook 'orders' of workflow 'another' is one of workflow 'owner' already"
            func broken(_ problems: [String]) async throws {
                for _ in 0..<500 {
                    let listed = try await server.ask("GET", "/api/workflows").json["broken"]?.array ?? []
                    if listed.map({ $0["error"]?.string }) == problems { return }
                    try await Task.sleep(for: .milliseconds(20))
                }
                Issue.record("never broken by \(problems): \(server.running.said)")
            }
            // By a new file that sorts first, and by one that is there and gets the path later.
            try program.write(script("another", "orders"), to: "a.lua")
            try await broken([problem])
            #expect(server.running.hear("a.lua: \(problem)"))
            #expect(try await asked("orders") == "owner")
            try program.write(script("another", "mine"), to: "a.lua")
            try await broken([])
            #expect(try await asked("mine") == "another")
            try program.write(script("another", "orders"), to: "a.lua")
            try await broken([problem])
            #expect(try await asked("orders") == "owner")
            // Given up, it is free.
            try program.write(script("owner", "other"), to: "m.lua")
            try await broken([])
            #expect(try await asked("orders") == "another")
            server.running.send(SIGTERM)
            #expect(server.running.finish().status == 0)
        }
    }
}
