#if os(Linux)
    import FlatValue
    import Foundation
    import Testing

    extension CommandLine {
        /// Runs that are larger than the memory of the process that looks at them, or than what runs share.
        struct LargeRunTests {
            /// Runs the program by a shell that lets it have so many MiB of address space.
            private func run(_ program: Program, megabytes: Int, _ arguments: [String]) throws -> Program.Outcome {
                var shell = program
                shell.binary = "/bin/sh"
                let words = arguments.map { "'\($0)'" }.joined(separator: " ")
                return try shell.run([
                    "-c", "ulimit -v \(megabytes << 10); exec timeout -k 2 60 \(Program.binary) \(words)",
                ])
            }

            @Test func `a run that is larger than the memory is told of in words, and stays as it is`() throws {
                let program = try Program([
                    "large.lua": """
                    local aikit = require "aikit"
                    return aikit.workflow { id = "w" }
                      :step { id = "a", handler = function(_, context)
                          for _ = 1, 40 do context:emit { type = "t", data = ("x"):rep(4000000) } aikit.sleep(0) end
                        end }
                      :human { id = "asks", response_schema = aikit.schema.object { x = aikit.schema.integer() } }
                      :step { id = "z", handler = function() return "done" end }
                      :commit()
                    """
                ])
                defer { program.remove() }
                let store = ["--store", "runs.db"]
                let began = try program.run(["run", "large.lua", "--run-id", "big"] + store)
                #expect(began.status == 3, "\(began.errors)")
                let commands = [
                    ["runs", "show", "big"], ["runs", "show", "big", "--json"], ["runs", "events", "big"],
                    ["runs", "verify"], ["runs", "check"], ["runs", "trace", "big"], ["store", "check"],
                    ["store", "backup", "copy.db"], ["runs", "fork", "big", "--from", "asks"],
                    ["resume", "big", "--data", #"{"x":1}"#],
                ]
                for command in commands {
                    let outcome = try run(program, megabytes: 600, command + store)
                    #expect(
                        outcome.status == 2 && outcome.errors.contains("not enough memory"),
                        "\(command): \(outcome.status) \(outcome.errors.suffix(500))")
                }
                let moved = try run(program, megabytes: 600, ["store", "migrate", "runs.db", "other.db"])
                #expect(moved.status == 2 && moved.errors.contains("not enough memory"), "\(moved.errors.suffix(500))")
                let list = try run(program, megabytes: 600, ["runs", "list", "--json"] + store)
                #expect(list.status == 0, "\(list.errors)")
                // Nothing has come to it.
                #expect(try program.run(["runs", "check"] + store).status == 0)
                let resumed = try program.run(["resume", "big", "--data", #"{"x":1}"#] + store)
                #expect(resumed.status == 0 && resumed.output == "\"done\"\n", "\(resumed.errors)")
            }

            @Test(arguments: ["shared", "script"])
            func `runs that begin with more than they may share a process with have others`(sharing: String) throws {
                let program = try Program([
                    "many.lua": """
                    local aikit = require "aikit"
                    local child = aikit.workflow { id = "child" }
                      :step { id = "size", handler = function(input) return #input.text end }:commit()
                    local parent = aikit.workflow { id = "parent" }
                      :step { id = "starts", handler = function()
                          local text, starts, sum = ("x"):rep(20000000), {}, 0
                          for index = 1, 12 do
                            starts[index] = function() return aikit.start("child", { text = text }, { wait = true }) end
                          end
                          for _, size in ipairs(aikit.all(starts)) do sum = sum + size end
                          return sum
                        end }
                      :commit()
                    return { parent, child }
                    """
                ])
                defer { program.remove() }
                let outcome = try program.run(
                    "run", "many.lua", "--workflow", "parent", "--store", "runs.db", "--isolate=\(sharing)")
                #expect(outcome.status == 0 && outcome.output == "240000000\n", "\(outcome.errors.suffix(1000))")
                #expect(!outcome.errors.contains("is gone"), "\(outcome.errors)")
            }
        }
    }
#endif
