import AsyncHTTPClient
import FlatValue
import Foundation
import NIOCore
import NIOHTTP1
import Platform
import Testing
import WorkflowCore

extension CommandLine {
    @Suite("serve")
    struct ServeTests {
        private static let script = """
            local aikit = require "aikit"
            return aikit.workflow { id = "slow" }
              :step { id = "one", handler = function(input) aikit.sleep("20ms") return input end }
              :step { id = "two", handler = function(input) aikit.sleep("20ms") return input end }
              :step { id = "three", handler = function(input) aikit.sleep("20ms") return input end }
              :commit()
            """

        /// A server that is under way.
        struct Server {
            let running: RunningProgram
            let port: Int

            init(_ program: Program, _ arguments: String...) throws { try self.init(program, arguments) }

            init(_ program: Program, _ arguments: [String]) throws {
                running = try RunningProgram(
                    program, ["serve", ".", "--port", "0", "--store", "runs.db"] + arguments)
                try #require(running.hear("listening at"), "\(running.said)")
                _ = running.hear("\n")
                let address = try #require(running.said.firstRange(of: #/127\.0\.0\.1:\d+/#))
                port = try #require(Int(running.said[address].split(separator: ":")[1]))
            }

            func ask(_ method: String, _ path: String, _ body: Value? = nil, token: String? = nil) async throws -> (
                status: Int, json: Value
            ) {
                var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
                request.method = .init(rawValue: method)
                if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
                if let body {
                    request.headers.add(name: "content-type", value: "application/json")
                    request.body = .bytes(ByteBuffer(string: body.json))
                }
                let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
                let text = String(buffer: try await response.body.collect(upTo: 1 << 22))
                return (Int(response.status.code), (try? Value(json: text)) ?? .null)
            }
        }

        @Test func `what a script needs and was not given is told once for each change of it`() throws {
            func needs(_ host: String) -> String {
                "require('aikit').requires { net = { '\(host)' }, env = { 'HOME' } }\n" + Self.script
            }
            let program = try Program(["slow.lua": needs("a.example")])
            defer { program.remove() }
            let server = try Server(program, "--allow-env=HOME")
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

        @Test func `a port that is taken, and a path that is empty`() throws {
            let program = try Program(["slow.lua": Self.script])
            defer { program.remove() }
            let server = try Server(program)
            defer { server.running.send(SIGKILL) }
            let second = try program.run("serve", ".", "--port", "\(server.port)", "--store", "other.db")
            #expect(second.status == 2)
            #expect(second.errors.contains("another program listens there already; choose another port with --port"))
            for origin in ["foo", "https://a.example/", "https://a.example/b", "://a", "https:/a"] {
                let odd = try program.run("serve", ".", "--cors", origin, "--store", "other.db")
                #expect(odd.status == 2 && odd.errors.contains("--cors takes origins such as https://app.example"))
            }
            let empty = try program.run("serve", "")
            #expect(empty.status == 2)
            #expect(empty.errors.contains("a path is empty"))
        }

        @Test func `a server that is killed loses no run that it has accepted`() async throws {
            let program = try Program(["slow.lua": Self.script, "lib.lua": "return {}", "broken.lua": "return ="])
            defer { program.remove() }
            let first = try Server(program)
            var ids: [String] = []
            for number in 0..<30 {
                let answer = try await first.ask(
                    "POST", "/api/workflows/slow/runs",
                    ["inputData": Value(Int64(number)), "runId": Value("r\(number)")])
                #expect(answer.status == 202)
                ids.append("r\(number)")
            }
            first.running.crash()
            let second = try Server(program)
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

        @Test func `what is saved is loaded, and what does not load leaves the version before live`() async throws {
            let program = try Program(["slow.lua": Self.script])
            defer { program.remove() }
            let server = try Server(program)
            try program.write(Self.script.replacingOccurrences(of: "\"slow\"", with: "\"quick\""), to: "slow.lua")
            #expect(server.running.hear("version 2 of slow.lua is live"))
            #expect(try await server.ask("GET", "/api/workflows/quick").status == 200)
            try program.write("return = 1", to: "slow.lua")
            #expect(server.running.hear("slow.lua does not load"))
            let run = try await server.ask("POST", "/api/workflows/quick/run", ["inputData": 1])
            #expect(run.json["status"] == "success")
            server.running.send(SIGTERM)
            #expect(server.running.finish().status == 0)
        }

        @Test func `a file that takes the id of another file's workflow is the one that is not used`() async throws {
            let other = Self.script.replacingOccurrences(of: "\"slow\"", with: "\"other\"")
            let program = try Program(["a.lua": other, "slow.lua": Self.script])
            defer { program.remove() }
            let server = try Server(program)
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
            let server = try Server(program)
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
            let program = try Program(["slow.lua": Self.script])
            defer { program.remove() }
            let server = try Server(program, "--workers", "1")
            #expect(try await server.ask("POST", "/api/workflows/slow/run", ["inputData": 1]).json["result"] == 1)
            try program.write("while true do end", to: "endless.lua")
            try program.write("while true do end", to: "endless2.lua")
            try program.write(Self.script.replacingOccurrences(of: "\"slow\"", with: "\"late\""), to: "late.lua")
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
            let server = try Server(program)
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
            let first = try Server(program)
            for id in ids {
                _ = try await first.ask("POST", "/api/workflows/wait/runs", ["inputData": 1, "runId": Value(id)])
                #expect(try await first.ask("GET", "/api/runs/\(id)?wait=10s").json["status"] == "waiting")
            }
            for id in ids {
                #expect(try await first.ask("POST", "/api/runs/\(id)/signals/go", ["data": 7]).status == 202)
            }
            first.running.crash()
            let second = try Server(program)
            for id in ids {
                #expect(try await second.ask("GET", "/api/runs/\(id)?wait=15s").json["status"] == "success")
            }
            let forked = try await second.ask("POST", "/api/runs/w0/fork", ["from": "end", "runId": "f"])
            second.running.crash()
            #expect(forked.status == 202)
            let third = try Server(program)
            #expect(try await third.ask("GET", "/api/runs/f?wait=15s").json["status"] == "success")
            #expect(try await third.ask("POST", "/api/schedules/none/pause").status == 404)
            third.running.send(SIGTERM)
            #expect(third.running.finish().status == 0)
        }

        @Test func `a server whose store has tokens wants one, and is told of one that is revoked`() async throws {
            let program = try Program(["slow.lua": Self.script])
            defer { program.remove() }
            let made = try program.run("token", "create", "--name", "ci", "--role", "run", "--store", "runs.db")
            let token = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(token.hasPrefix("akl_"))
            let server = try Server(program)
            #expect(try await server.ask("GET", "/api/workflows").status == 401)
            #expect(try await server.ask("GET", "/api/workflows", token: token).status == 200)
            let id = token.split(separator: "_")[1]
            #expect(try program.run("token", "list", "--store", "runs.db").output.contains(id))
            #expect(try program.run("token", "revoke", String(id), "--store", "runs.db").status == 0)
            server.running.send(SIGTERM)
            #expect(server.running.finish().status == 0)
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
            let first = try Server(program)
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
            let second = try Server(program)
            for number in 0..<5 {
                let over = try await second.ask("GET", "/api/runs/n\(number)?wait=15s")
                #expect(over.json["status"] == "success")
            }
            second.running.send(SIGTERM)
            #expect(second.running.finish().status == 0)
        }

        @Test func `what steps log and print has its run, its step and its trace`() async throws {
            let program = try Program([
                "talk.lua": """
                local aikit = require "aikit"
                print("loaded")
                return aikit.workflow { id = "talk" }
                  :step { id = "one", handler = function(input, context)
                    context:log("warn", "logged")
                    print("printed")
                    aikit.sleep("1ms")
                    aikit.log.info("said")
                    print("printed later")
                    return input
                  end }:commit()
                """
            ])
            defer { program.remove() }
            let server = try Server(program, "--log-format", "json")
            _ = try await server.ask("POST", "/api/workflows/talk/run", ["inputData": 1, "runId": "t"])
            server.running.send(SIGTERM)
            let outcome = server.running.finish()
            let lines = try outcome.errors.split(separator: "\n").map { try Value(json: String($0)) }
            // The first 16 bytes of SHA-256 of the run's id.
            let trace: Value = "e3b98a4da31a127d4bde6e43033f66ba"
            for message in ["logged", "printed", "said", "printed later"] {
                let line = lines.first { $0["message"] == Value(message) }
                #expect(line?["run"] == "t", "\(message): \(outcome.errors)")
                #expect(line?["workflow"] == "talk")
                #expect(line?["path"] == "one")
                #expect(line?["trace_id"] == trace)
            }
            #expect(lines.contains { $0["message"] == "loaded" && $0["run"] == nil })
        }

        @Test func `a certificate that is replaced is the one of the next connection`() async throws {
            let program = try Program(["slow.lua": Self.script])
            defer { program.remove() }
            func certificate(_ name: String) throws {
                let shell = Process()
                shell.executableURL = URL(fileURLWithPath: "/bin/sh")
                shell.currentDirectoryURL = program.folder
                shell.arguments = [
                    "-c",
                    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=\(name) "
                        + "-keyout new.key -out new.crt 2>/dev/null && mv new.key tls.key && mv new.crt tls.crt",
                ]
                try shell.run()
                shell.waitUntilExit()
                try #require(shell.terminationStatus == 0, "openssl is missing")
            }
            try certificate("first")
            let server = try RunningProgram(
                program,
                [
                    "serve", "slow.lua", "--port", "0", "--store", "memory", "--tls-cert", "tls.crt", "--tls-key",
                    "tls.key",
                ])
            defer { server.send(SIGKILL) }
            try #require(server.hear("listening at https"))
            try program.write("nonsense", to: "tls.crt")
            #expect(server.hear("the one before stays"))
            try certificate("second")
            #expect(server.hear("the certificate was read again"))
            server.send(SIGTERM)
            #expect(server.finish().status == 0)
        }

        @Test func `a server that others reach wants tokens or is told that it need not`() throws {
            let program = try Program(["slow.lua": Self.script])
            defer { program.remove() }
            let refused = try program.run("serve", ".", "--host", "0.0.0.0", "--port", "0", "--store", "runs.db")
            #expect(refused.status == 2)
            #expect(refused.errors.contains("--insecure"))
            try program.write(#"{"prot": 1}"#, to: "aikit.json")
            let misspelt = try program.run("serve", ".")
            #expect(misspelt.status == 2)
            #expect(misspelt.errors.contains("did you mean 'port'?"))
        }
    }
}
