import Foundation
import Testing

extension CommandLine {
    #if DEBUG
        /// A process in which Lua runs claims what its runs may not have of the queue.
        @Suite struct ForgedQueueTests {
            /// The first run of a chain forges, or starts another one.
            private static let script = """
                local aikit = require "aikit"
                return aikit.workflow { id = "w", concurrency = { limit = 1 } }
                  :step { id = "s", handler = function(input, context)
                      if input.n > 1 then return input.n end
                      if not pcall(aikit.fs.read, "mark") then
                        aikit.fs.write("mark", "x")
                        context:log("info", "vm-fault:forge-" .. input.forge)
                      end
                      if input.forge == "exempt" then
                        return aikit.start("w", { n = 2, forge = input.forge }, { wait = false })
                      end
                      context:restart { n = 2, forge = input.forge }
                    end }
                  :commit()
                """

            private func run(_ program: Program, _ arguments: [String]) throws -> Program.Outcome {
                var environment = ProcessInfo.processInfo.environment
                environment["AIKIT_LUA_VM_FAULTS"] = "1"
                environment["NO_COLOR"] = nil
                var program = program
                program.binary = Program.binaryBeside
                return try program.run(
                    ["run", "w.lua", "--store", "w.db", "--isolate", "--allow-read=.", "--allow-write=."] + arguments,
                    environment: environment)
            }

            @Test(arguments: [
                ("place", "a place in the queue that run r~2 may not take", "2"),
                ("successor", "restarts the run as one that is not the next", "2"),
                ("exempt", "without its place in the queue", "r~"),
            ])
            func `a run takes no other place, and no other successor, than it may`(
                _ forge: String, _ refusal: String, _ output: String
            ) throws {
                let program = try Program(["w.lua": Self.script])
                defer { program.remove() }
                let outcome = try run(program, ["--run-id", "r", "--input", #"{"n":1,"forge":"\#(forge)"}"#])
                #expect(outcome.errors.contains(refusal), "\(outcome.errors)")
                #expect(outcome.status == 0 && outcome.output.contains(output), "\(outcome.output)\(outcome.errors)")
                let listed = try program.run("runs", "list", "--store", "w.db", "--json").output
                #expect(!listed.contains("~9"))
            }
        }
    #endif
}
