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
        static let script = """
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

            init(_ program: Program, serving path: String = ".", _ arguments: [String]) throws {
                running = try RunningProgram(
                    program, ["serve", path, "--port", "0", "--store", "runs.db"] + arguments)
                try #require(running.hear("listening at"), "\(running.said)")
                _ = running.hear("\n")
                let address = try #require(running.said.firstRange(of: #/127\.0\.0\.1:\d+/#))
                port = try #require(Int(running.said[address].split(separator: ":")[1]))
            }

            /// - Parameter key: what the request is called, so that it counts once.
            func ask(
                _ method: String, _ path: String, _ body: Value? = nil, token: String? = nil, key: String? = nil
            ) async throws -> (status: Int, json: Value) {
                try await Self.ask(method, path, body, token: token, key: key, port: port)
            }

            static func ask(
                _ method: String, _ path: String, _ body: Value? = nil, token: String? = nil, key: String? = nil,
                port: Int
            ) async throws -> (status: Int, json: Value) {
                var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
                request.method = .init(rawValue: method)
                if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
                if let key { request.headers.add(name: "idempotency-key", value: key) }
                if let body {
                    request.headers.add(name: "content-type", value: "application/json")
                    request.body = .bytes(ByteBuffer(string: body.json))
                }
                let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
                let text = String(buffer: try await response.body.collect(upTo: 1 << 22))
                return (Int(response.status.code), (try? Value(json: text)) ?? .null)
            }
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

        @Test func `a server whose store has tokens wants one, and is told of one that is revoked`() async throws {
            let program = try Program(["slow.lua": Self.script])
            defer { program.remove() }
            let made = try program.run("token", "create", "--name", "ci", "--role", "run", "--store", "runs.db")
            let token = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(token.hasPrefix("akl_"))
            for id in ["", "slow,other"] {
                let refused = try program.run(
                    "token", "create", "--name", "x", "--role", "read", "--workflow", id, "--store", "runs.db")
                #expect(refused.status == 2)
                #expect(refused.errors.contains("--workflow takes the id of one workflow"))
            }
            let server = try Server(program)
            #expect(try await server.ask("GET", "/api/workflows").status == 401)
            #expect(try await server.ask("GET", "/api/workflows", token: token).status == 200)
            let id = token.split(separator: "_")[1]
            #expect(try program.run("token", "list", "--store", "runs.db").output.contains(id))
            #expect(try program.run("token", "revoke", String(id), "--store", "runs.db").status == 0)
            server.running.send(SIGTERM)
            #expect(server.running.finish().status == 0)
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
