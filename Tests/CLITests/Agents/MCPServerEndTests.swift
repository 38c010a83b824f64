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
            return aikit.workflow { id = "w" }:step { id = "call", handler = function()
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
