#if os(Linux)
    import FlatValue
    import Foundation
    import Testing

    extension CommandLine {
        /// Runs that are larger than the memory of the process that looks at them, or than what runs share.
        struct LargeRunTests {
            /// Runs the program by a shell that lets it have so many MiB of address space.
            private func run(_ program: Program, megabytes: Int, _ arguments: [String]) throws -> Program.Outcome {
                try shell(program).run(["-c", "ulimit -v \(megabytes << 10); exec timeout -k 2 60 \(words(arguments))"])
            }

            private func shell(_ program: Program) -> Program {
                var shell = program
                shell.binary = "/bin/sh"
                return shell
            }

            private func words(_ arguments: [String]) -> String {
                ([Program.binary] + arguments).map { "'\($0)'" }.joined(separator: " ")
            }

            /// A program with the store `runs.db`, in which the run `big` of 80 MiB waits for a person.
            private func programWithLargeRun() throws -> Program {
                let program = try Program([
                    "large.lua": """
                    local aikit = require "aikit"
                    local function large() return ("x"):rep(40000000) end
                    return aikit.workflow { id = "w" }
                      :step { id = "a", handler = large }
                      :step { id = "b", handler = large }
                      :human { id = "asks", response_schema = aikit.schema.object { x = aikit.schema.integer() } }
                      :commit()
                    """
                ])
                let began = try program.run("run", "large.lua", "--run-id", "big", "--store", "runs.db")
                #expect(began.status == 3, "\(began.errors)")
                return program
            }

            @Test(arguments: [500, 600, 700, 800, 900, 1000])
            func `a run is told whole where there is memory for it, else in words`(megabytes: Int) throws {
                let program = try programWithLargeRun()
                defer { program.remove() }
                for command in [
                    ["runs", "show", "big", "--json"], ["resume", "big", "--data", #"{"x":1}"#, "--events"],
                ] {
                    let outcome = try run(program, megabytes: megabytes, command + ["--store", "runs.db"])
                    #expect(
                        outcome.status == 0 || outcome.status == 2 && outcome.errors.contains("not enough memory"),
                        "\(command): \(outcome.status) \(outcome.errors.suffix(500))")
                }
                #expect(try program.run("runs", "check", "--store", "runs.db").status == 0)
            }

            @Test(arguments: [800, 1200])
            func `a server answers those who ask for a large run at once, and goes on`(megabytes: Int) throws {
                let program = try programWithLargeRun()
                defer { program.remove() }
                let serving = ["serve", "large.lua", "--store", "runs.db", "--port", "0", "--isolate=none"]
                let server = try RunningProgram(
                    shell(program), "-c", "ulimit -v \(megabytes << 10); exec \(words(serving))")
                #expect(server.hear("listening at http://127.0.0.1:"), "\(server.said)")
                let port =
                    server.said.components(separatedBy: "listening at http://127.0.0.1:").last?.prefix { $0.isNumber }
                    ?? ""
                let url = "http://127.0.0.1:\(port)"
                let asked = (1...4).map { "-o answer\($0) \(url)/api/runs/big" }.joined(separator: " ")
                let answers = try shell(program).run([
                    "-c",
                    "curl -s -m 60 --parallel --parallel-immediate -w '%{http_code}\\n' \(asked); "
                        + "curl -s -m 60 -o health -w '%{http_code}\\n' \(url)/health/ready",
                ])
                let codes = answers.output.split(separator: "\n")
                #expect(codes.count == 5 && codes.allSatisfy { $0 == "200" || $0 == "503" }, "\(codes) \(server.said)")
                #expect(codes.last == "200")
                server.send(SIGTERM)
                #expect(server.finish().status == 0, "\(server.said)")
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
