import FlatValue
import Foundation
import Platform
import Testing

extension CommandLine {
    @Suite("Programs that serve tools end with the program that started them")
    struct MCPServerEndTests {
        /// Heeds no end of its input and no signal, answers no call, and leaves a child; both hold the lock.
        private static let server = """
            import fcntl, json, os, signal, sys, time
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            lock = open("lock", "w")
            fcntl.flock(lock, fcntl.LOCK_EX)
            if os.fork() == 0:
                time.sleep(600)
            while True:
                line = sys.stdin.readline()
                if not line:
                    time.sleep(600)
                message = json.loads(line)
                if message.get("method") == "initialize":
                    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": {
                        "protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}},
                        "serverInfo": {"name": "stubborn", "version": "1"}}}), flush=True)
                elif message.get("method") == "tools/call":
                    open("called", "w").close()
            """

        private static func script(_ timeout: String) -> String {
            """
            local aikit = require "aikit"
            local server = aikit.mcp { command = { "python3", "server.py" }, timeout = "\(timeout)" }
            return aikit.workflow { id = "w", description = "Calls." }:step { id = "call", handler = function()
              local ok = pcall(server.call, server, "anything", {})
              return ok
            end }:commit()
            """
        }

        private static func program(_ timeout: String) throws -> Program {
            try Program([
                "w.lua": script(timeout), "server.py": server,
                "w_test.lua": """
                local w = require "w"
                it("runs", function() expect(test.run(w)):succeeds() end)
                """,
            ])
        }

        /// Waits until nobody holds the lock; false if somebody goes on to.
        private static func isFree(_ program: Program) -> Bool {
            let file = open(program.folder.appendingPathComponent("lock").path, O_RDWR)
            defer { close(file) }
            return file >= 0
                && (0..<1000).contains { _ in
                    if flock(file, LOCK_EX | LOCK_NB) == 0 { return true }
                    usleep(10_000)
                    return false
                }
        }

        private static func waitForCall(_ program: Program) async throws {
            while !program.exists("called") { try await Task.sleep(for: .milliseconds(10)) }
        }

        @Test func `with a run whose call took too long`() throws {
            let program = try Self.program("4s")
            defer { program.remove() }
            let run = try program.run("run", "w.lua", "--store", "memory", "--allow-run=python3")
            #expect(run.status == 0 && run.output == "false\n", "\(run.errors)")
            #expect(program.exists("called"))
            #expect(Self.isFree(program))
        }

        @Test func `with tests`() throws {
            let program = try Self.program("4s")
            defer { program.remove() }
            let tests = try program.run("test", "w_test.lua", "--timeout", "60s", "--allow-run=python3")
            #expect(tests.status == 0, "\(tests.output)\(tests.errors)")
            #expect(program.exists("called"))
            #expect(Self.isFree(program))
        }

        @Test(arguments: [SIGINT, SIGTERM]) func `with tests that are interrupted`(_ signal: Int32) async throws {
            let program = try Self.program("60s")
            defer { program.remove() }
            let tests = try RunningProgram(program, "test", "w_test.lua", "--timeout", "60s", "--allow-run=python3")
            defer { tests.send(SIGKILL) }
            try await Self.waitForCall(program)
            tests.send(signal)
            #expect(tests.finish().status == 128 + signal)
            #expect(Self.isFree(program))
        }

        @Test(arguments: [SIGINT, SIGTERM]) func `with a stored run that is let go`(_ signal: Int32) async throws {
            let program = try Self.program("60s")
            defer { program.remove() }
            let run = try RunningProgram(program, "run", "w.lua", "--allow-run=python3")
            defer { run.send(SIGKILL) }
            try await Self.waitForCall(program)
            run.send(signal)
            #expect(run.finish().status == 128 + signal)
            #expect(Self.isFree(program))
        }

        /// By the end of its input, where the signal is 0.
        @Test(arguments: [0, SIGTERM, SIGINT]) func `with a server of tools that is told to end`(_ signal: Int32)
            async throws
        {
            let program = try Self.program("60s")
            defer { program.remove() }
            let process = program.process(["mcp", "w.lua", "--allow-run=python3"])
            let input = Pipe()
            process.standardInput = input
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            defer { kill(process.processIdentifier, SIGKILL) }
            for line in [
                #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","#
                    + #""capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#,
                #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
                #"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"w","arguments":{}}}"#,
            ] { input.fileHandleForWriting.write(Data((line + "\n").utf8)) }
            try await Self.waitForCall(program)
            if signal == 0 { try input.fileHandleForWriting.close() } else { kill(process.processIdentifier, signal) }
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            #expect(Self.isFree(program))
        }

        @Test func `with a run that is interrupted once or twice`() async throws {
            for count in 1...2 {
                let program = try Self.program("60s")
                defer { program.remove() }
                let run = try RunningProgram(program, "run", "w.lua", "--store", "memory", "--allow-run=python3")
                try await Self.waitForCall(program)
                for _ in 0..<count {
                    run.send(SIGINT)
                    try await Task.sleep(for: .milliseconds(600))
                }
                _ = run.finish()
                #expect(Self.isFree(program))
            }
        }

        @Test(arguments: ["4s", "60s"]) func `with a server that is told to end`(_ timeout: String) async throws {
            let program = try Self.program(timeout)
            defer { program.remove() }
            let server = try ServeTests.Server(program, "--allow-run=python3", "--grace", "1s")
            defer { server.running.send(SIGKILL) }
            #expect(
                try await server.ask("POST", "/api/workflows/w/runs", ["inputData": 1, "runId": "r"]).status == 202)
            try await Self.waitForCall(program)
            if timeout == "4s" {
                #expect(try await server.ask("GET", "/api/runs/r?wait=15s").json["status"] == "success")
            }
            server.running.send(SIGTERM)
            #expect(server.running.finish().status == 0)
            #expect(Self.isFree(program))
        }
    }
}
