import Foundation
import Synchronization
import Testing

private let echo = """
    local aikit = require "aikit"
    local key = aikit.secret "API_KEY"
    return aikit.workflow { id = "echo", ctx = { seen = "" } }
      :step { id = "call", handler = function(input, context)
        local answer = aikit.http.get(input.url, { headers = { authorization = key:bearer() } })
        local head = answer:json().head
        print(head)
        context:log("info", head, { key = tostring(key) })
        context:emit { type = "head", data = head }
        context:update_metadata(function(m) m.head = head; return m end)
        context:update_ctx(function(c) c.seen = head; return c end)
        context.store.head = head
        aikit.log.warn(head)
        if input.fails then error(head) end
        return { head = head }
      end }
      :commit()
    """

extension CommandLine {
    struct SecretTests {
        private let value = "plain-sekret-value"

        /// A server that gives back the head of each request.
        private func server(_ heads: HeadList) throws -> WeatherService {
            try WeatherService(heads: { head in
                heads.add(head)
                let text = head.replacing("\r\n", with: " ")
                return (200, #"{"head":"\#(text)"}"#)
            })
        }

        private func keepsSecret(_ program: Program, _ outcome: Program.Outcome) throws {
            #expect(!outcome.output.contains(value))
            #expect(!outcome.errors.contains(value))
            let store = program.folder.appendingPathComponent(".aikit")
            for file in try FileManager.default.contentsOfDirectory(atPath: store.path) {
                let data = try Data(contentsOf: store.appendingPathComponent(file))
                #expect(data.range(of: Data(value.utf8)) == nil, "\(file)")
            }
        }

        @Test func `the value reaches the server, and nothing that is printed or kept`() throws {
            let program = try Program(["echo.lua": echo, "keys.env": "API_KEY=\(value)\n"])
            defer { program.remove() }
            chmod(program.folder.appendingPathComponent("keys.env").path, 0o600)
            let heads = HeadList()
            let server = try server(heads)
            for (fails, status) in [(false, Int32(0)), (true, 1)] {
                let outcome = try program.run(
                    "run", "echo.lua", "--events", "--input", #"{"url":"\#(server.base)/","fails":\#(fails)}"#,
                    "--allow-net", "--secrets", "keys.env")
                #expect(outcome.status == status)
                #expect(outcome.output.contains("Bearer [secret API_KEY]"))
                #expect(heads.all.last?.contains("Bearer \(value)\r\n") == true)
                try keepsSecret(program, outcome)
            }
        }

        @Test func `a file that others may read, or none, ends the command before anything runs`() throws {
            let program = try Program(["echo.lua": echo, "keys.env": "API_KEY=\(value)\n"])
            defer { program.remove() }
            for file in ["keys.env", "none.env"] {
                let outcome = try program.run("run", "echo.lua", "--secrets", file)
                #expect(outcome.status == 2)
                #expect(outcome.errors.contains("error: --secrets \(file): "))
                #expect(!outcome.errors.contains(value))
            }
        }

        @Test func `a secret in an output is refused by name`() throws {
            let script = """
                local aikit = require "aikit"
                return aikit.workflow { id = "leak" }
                  :step { id = "out", handler = function() return { key = aikit.secret "API_KEY" } end }
                  :commit()
                """
            let program = try Program(["leak.lua": script])
            defer { program.remove() }
            let outcome = try program.run("run", "leak.lua", "--store", "memory")
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("output.key is a secret, which JSON cannot hold"))
        }

        @Test func `a variable needs its host to be named, or itself`() throws {
            let program = try Program(["echo.lua": echo])
            defer { program.remove() }
            let heads = HeadList()
            let server = try server(heads)
            let input = #"{"url":"\#(server.base)/"}"#
            func run(_ options: String...) throws -> Program.Outcome {
                let arguments = ["run", "echo.lua", "--store", "memory", "--input", input] + options
                var environment = ProcessInfo.processInfo.environment
                environment["API_KEY"] = value
                return try program.run(arguments, environment: environment)
            }
            let anywhere = try run("--allow-net")
            #expect(anywhere.status == 1)
            #expect(anywhere.errors.contains("or --allow-secret=API_KEY to allow it"))
            #expect(try run("--allow-net=127.0.0.1").status == 0)
            #expect(try run("--allow-net", "--allow-secret=API_KEY").status == 0)
            #expect(heads.all.count == 2)
        }
    }
}

/// The heads of the requests that a server got.
private final class HeadList: Sendable {
    private let list = Mutex<[String]>([])

    var all: [String] { list.withLock { $0 } }

    func add(_ head: String) { list.withLock { $0.append(head) } }
}
