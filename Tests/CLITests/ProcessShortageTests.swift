import FlatValue
import Foundation
import Testing

#if os(Linux)
    extension CommandLine {
        /// Processes for Lua that cannot be started for a while.
        @Suite("processes that cannot be started")
        struct ProcessShortageTests {
            private typealias Server = ServeTests.Server

            private static let script = """
                local aikit = require "aikit"
                return aikit.workflow { id = "asks" }
                  :human { id = "approve", output = function() return { text = "ok?" } end,
                      input = function(ask) return ask.form { title = "Ok?", fields = { ask.text { id = "word" } } } end,
                      response_schema = aikit.schema.object { word = aikit.schema.string() } }
                  :step { id = "last", handler = function(reply) return reply.word end }
                  :commit()
                """

            private static func resume(_ run: String, with word: String, port: Int) async throws -> Int {
                try await Server.ask(
                    "POST", "/api/workflows/asks/runs/\(run)/resume",
                    ["stepId": "approve", "data": ["word": Value(word)]], port: port
                ).status
            }

            private static func start(of run: String) -> Value { ["inputData": [:], "runId": Value(run)] }

            /// Only debug builds let their processes be another program's.
            #if DEBUG
                @Test(arguments: ["shared", "run"])
                func `runs wait until a process can be started, and none of them is lost`(sharing: String) async throws
                {
                    var program = try Program(["asks.lua": Self.script, "room": ""])
                    defer { program.remove() }
                    program.binary = Program.binaryBeside
                    let room = program.folder.appendingPathComponent("room").path
                    let launcher = program.folder.appendingPathComponent("launch")
                    try "#!/bin/sh\n[ -e '\(room)' ] || exit 9\nexec '\(program.binary)' \"$@\"\n"
                        .write(to: launcher, atomically: true, encoding: .utf8)
                    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: launcher.path)
                    program.variables["AIKIT_LUA_VM_PROGRAM"] = launcher.path
                    let server = try Server(program, "--isolate=\(sharing)")
                    defer { server.running.send(SIGKILL) }
                    for run in ["a", "b"] {
                        _ = try await server.ask("POST", "/api/workflows/asks/runs", Self.start(of: run))
                    }
                    for run in ["a", "b"] {
                        let waits = try await IsolatedServeTests.poll {
                            try await server.ask("GET", "/api/runs/\(run)").json["status"] == "waiting_human"
                        }
                        #expect(waits)
                    }
                    try FileManager.default.removeItem(atPath: room)
                    for pid in IsolatedServeTests.processes(of: server.running.processID) { kill(pid, SIGKILL) }
                    // Both are answered once a process knows of the run.
                    let port = server.port
                    async let resumed = Self.resume("a", with: "one", port: port)
                    async let started = Server.ask("POST", "/api/workflows/asks/runs", Self.start(of: "c"), port: port)
                    #expect(server.running.hear("a process for Lua cannot be started"), "\(server.running.said)")
                    // More tries than a run may die.
                    try await Task.sleep(for: .seconds(3))
                    #expect(FileManager.default.createFile(atPath: room, contents: nil))
                    #expect(try await resumed < 300)
                    #expect(try await started.status == 202)
                    #expect(try await server.ask("GET", "/api/runs/a?wait=20s").json["result"] == "one")
                    #expect(try await Self.resume("b", with: "two", port: port) < 300)
                    #expect(try await server.ask("GET", "/api/runs/b?wait=20s").json["result"] == "two")
                    let waits = try await IsolatedServeTests.poll {
                        try await server.ask("GET", "/api/runs/c").json["status"] == "waiting_human"
                    }
                    #expect(waits)
                    server.running.send(SIGTERM)
                    #expect(server.running.finish().status == 0)
                }
            #endif

            @Test func `a server whose program is taken away goes on with the version that it is`() async throws {
                var program = try Program(["asks.lua": Self.script])
                defer { program.remove() }
                let copy = program.folder.appendingPathComponent("copy")
                try FileManager.default.copyItem(atPath: program.binary, toPath: copy.path)
                program.binary = copy.path
                let server = try Server(program, "--isolate=run")
                defer { server.running.send(SIGKILL) }
                try FileManager.default.removeItem(at: copy)
                try "no program".write(to: copy, atomically: true, encoding: .utf8)
                for pid in IsolatedServeTests.processes(of: server.running.processID) { kill(pid, SIGKILL) }
                _ = try await server.ask("POST", "/api/workflows/asks/runs", Self.start(of: "a"))
                let waits = try await IsolatedServeTests.poll {
                    try await server.ask("GET", "/api/runs/a").json["status"] == "waiting_human"
                }
                #expect(waits)
                #expect(try await Self.resume("a", with: "one", port: server.port) < 300)
                #expect(try await server.ask("GET", "/api/runs/a?wait=20s").json["result"] == "one")
                server.running.send(SIGTERM)
                #expect(server.running.finish().status == 0)
            }
        }
    }
#endif
