import FlatValue
import Foundation
import Platform
import Testing

#if os(Linux)
    extension CommandLine {
        /// Processes that may have too few files open.
        @Suite("descriptors")
        struct DescriptorTests {
            private static let script = """
                local aikit = require "aikit"
                return aikit.workflow { id = "a" }:step { id = "s", handler = function(input) return input end }:commit()
                """

            /// Processor time that a process has used, in hundredths of a second.
            private static func ticks(of process: pid_t) throws -> Int {
                let text = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
                let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
                return (Int(fields[12]) ?? 0) + (Int(fields[13]) ?? 0)
            }

            /// Limits the descriptors of a process to those that it has and so many more.
            private static func leave(_ count: Int, to process: pid_t, _ program: Program) throws {
                let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count
                var shell = program
                shell.binary = "/bin/sh"
                try #require(shell.run(["-c", "prlimit --pid \(process) --nofile=\(open + count):"]).status == 0)
            }

            @Test func `scripts leave descriptors to clients, to the store and to whoever asks for health`()
                async throws
            {
                // Whoever connects is answered nothing.
                let listener = try LoopbackListener(backlog: 1024)
                let script = """
                    local aikit = require "aikit"
                    local hog = aikit.workflow { id = "hog" }:foreach {
                      id = "each", concurrency = 150,
                      items = function(input) return input.items end,
                      step = { id = "call", handler = function()
                        local ok, why = pcall(aikit.http.get, "http://127.0.0.1:\(listener.port)/", { timeout = "4s" })
                        return why.code
                      end },
                    }:commit()
                    return { hog, aikit.workflow { id = "hello" }
                      :step { id = "s", handler = function() return "hello" end }:commit() }
                    """
                let program = try Program(["a.lua": script])
                defer { program.remove() }
                let server = try ServeTests.Server(program, "--isolate=none", "--allow-net")
                defer { server.running.send(SIGKILL) }
                let process = server.running.processID
                #expect(try await server.ask("GET", "/health/live").status == 200)
                try Self.leave(100, to: process, program)
                let items = Value(array: (0..<150).map { Value(Int64($0)) })
                let serving = server.port
                async let hogged = ServeTests.Server.ask(
                    "POST", "/api/workflows/hog/run", ["inputData": ["items": items]], port: serving)
                for _ in 0..<20 {
                    try await Task.sleep(for: .milliseconds(50))
                    #expect(try await server.ask("GET", "/health/live").status == 200)
                    let other = try await server.ask("POST", "/api/workflows/hello/run", ["inputData": [:]])
                    #expect(other.status == 200)
                }
                let codes = try await hogged.json["result"]?.array?.compactMap(\.string) ?? []
                #expect(Set(codes) == ["http_timeout", "too_many_open"])
                server.running.send(SIGTERM)
                #expect(server.running.ended() == 0)
            }

            @Test func `a server that the system refuses connections waits for some, and does not spin`() async throws {
                let program = try Program(["a.lua": Self.script])
                defer { program.remove() }
                let server = try ServeTests.Server(program, "--isolate=none")
                defer { server.running.send(SIGKILL) }
                let process = server.running.processID
                #expect(try await server.ask("GET", "/health/live").status == 200)
                try Self.leave(4, to: process, program)
                let sockets = (0..<32).map { _ in socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }
                for socket in sockets {
                    var address = sockaddr_in()
                    address.sin_family = sa_family_t(AF_INET)
                    address.sin_port = in_port_t(UInt16(server.port)).bigEndian
                    address.sin_addr.s_addr = inet_addr("127.0.0.1")
                    _ = withUnsafePointer(to: &address) {
                        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                            connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                        }
                    }
                }
                #expect(server.running.hear("hardly a file descriptor is left"), "\(server.running.said)")
                let before = try Self.ticks(of: process)
                try await Task.sleep(for: .seconds(2))
                // A tenth of a processor at most, on machines of any speed.
                #expect(try Self.ticks(of: process) - before < 20)
                for socket in sockets { close(socket) }
                #expect(try await server.ask("GET", "/health/live").status == 200)
                server.running.send(SIGTERM)
                #expect(server.running.ended() == 0)
            }
        }
    }
#endif
