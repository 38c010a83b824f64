import AsyncHTTPClient
import FlatValue
import Foundation
import Testing
import WorkflowCore

#if DEBUG
    extension CommandLine {
        /// Runs that mean harm beside runs that do not, in one server.
        @Suite("hostile runs")
        struct HostileRunTests {
            private static let script = """
                local aikit = require "aikit"
                local harm = {
                  loop = function() while true do end end,
                  memory = function()
                      local held = {}
                      while true do held[#held + 1] = ("x"):rep(1 << 20) .. #held end
                    end,
                  pattern = function() return ("a"):rep(100000):find((".-"):rep(30) .. "b") end,
                  log = function(context) while true do context:log("info", ("l"):rep(1000)) end end,
                  events = function(context) while true do context:emit { type = "e", data = ("e"):rep(1000) } end end,
                  crash = function(context) context:log("info", "vm-fault:segv") end,
                  connect = function(context) context:log("info", "vm-fault:socket") end,
                  execute = function(context) context:log("info", "vm-fault:execute") end,
                  forge = function(context) context:log("info", "vm-fault:foreign-run") end,
                  noise = function(context) context:log("info", "vm-fault:noise") end,
                }
                return aikit.workflow { id = "mixed" }
                  :step { id = "first", handler = function(input) return input end }
                  :step { id = "second", timeout = "200ms", handler = function(input, context)
                      if input.harm then harm[input.harm](context) end
                      return { n = input.n * 2 }
                    end }
                  :step { id = "third", handler = function(input) return { n = input.n + 1 } end }
                  :commit()
                """
            /// What the runs of each kind may end with.
            private static let ends: [(kind: String, codes: Set<String>)] = [
                ("loop", ["timeout"]), ("memory", ["timeout", "memory", "out_of_memory", "memory_limit"]),
                ("pattern", ["timeout", "pattern_too_complex"]),
                ("log", ["timeout", "run_too_large", "too_many_effects"]),
                ("events", ["timeout", "run_too_large", "too_many_effects"]), ("crash", ["vm_crashed"]),
                ("connect", ["vm_crashed"]), ("execute", ["vm_crashed"]), ("forge", ["vm_crashed"]),
                ("noise", ["vm_crashed"]),
            ]
            private static let count = 1000
            private static let hostile = 50

            /// The harm of a run: of each 20 one does some.
            private static func harm(_ number: Int) -> Int? {
                number % (count / hostile) == 7 ? number / (count / hostile) % ends.count : nil
            }

            /// Asks again where the answer takes long: starts have ids, so that there is one run all the same.
            private static func ask(
                _ server: ServeTests.Server, _ method: String, _ path: String, _ body: Value? = nil
            ) async throws -> Value {
                for _ in 0..<20 {
                    do {
                        let answer = try await server.ask(method, path, body).json
                        if method != "GET" || answer["finishedAt"]?.string != nil { return answer }
                    } catch let error as HTTPClientError where error == .deadlineExceeded {
                        continue
                    }
                }
                return .null
            }

            @Test func `those that do no harm end right, and each of the others ends with its reason`() async throws {
                var program = try Program(["mixed.lua": Self.script])
                defer { program.remove() }
                program.variables = ["AIKIT_LUA_VM_FAULTS": "1"]
                program.binary = Program.binaryBeside
                nonisolated(unsafe) let server = try ServeTests.Server(program, "--isolate", "--store", "memory")
                defer { server.running.send(SIGKILL) }
                // What is logged has to be read, or the server waits for that.
                server.running.dropErrors()
                let start = ContinuousClock.now
                try await withThrowingTaskGroup { group in
                    for lane in 0..<8 {
                        group.addTask {
                            for number in stride(from: lane, to: Self.count, by: 8) {
                                var input: [(String, Value)] = [("n", Value(Int64(number)))]
                                if let harm = Self.harm(number) { input.append(("harm", Value(Self.ends[harm].kind))) }
                                let answer = try await Self.ask(
                                    server, "POST", "/api/workflows/mixed/runs",
                                    ["inputData": Value(entries: input), "runId": Value("r\(number)")])
                                #expect(answer["runId"]?.string == "r\(number)", "\(answer.json)")
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                for number in 0..<Self.count {
                    let run = try await Self.ask(server, "GET", "/api/runs/r\(number)?wait=10s")
                    if let harm = Self.harm(number) {
                        let code = run["error"]?["code"]?.string ?? "none"
                        let (kind, codes) = Self.ends[harm]
                        #expect(codes.contains(code), "\(kind): \(run["error"]?.json ?? run.json)")
                    } else {
                        #expect(run["result"]?["n"]?.int == Int64(number * 2 + 1), "\(run.json)")
                    }
                }
                let took = ContinuousClock.now - start
                // A minute on a machine that does nothing else.
                #expect(took < .seconds(180), "\(took)")
                #expect(!FileManager.default.fileExists(atPath: "/tmp/aikit-lua-escaped"))
                let left = IsolatedServeTests.processes(of: server.running.processID)
                server.running.send(SIGTERM)
                #expect(await IsolatedServeTests.poll { left.allSatisfy { kill($0, 0) != 0 } })
            }
        }
    }
#endif
