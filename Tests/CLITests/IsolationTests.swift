import Foundation
import Testing

extension CommandLine {
    /// Lua in a process of its own: what a run does is the same, and what a broken bridge does harms nobody.
    @Suite struct IsolationTests {
        private static let flow = """
            local aikit = require "aikit"
            local words = require "words"
            return aikit.workflow { id = "flow" }
              :step { id = "begin", handler = function(input, context)
                  context:log("info", "begins")
                  context:emit { type = "note", data = { n = 1 } }
                  return { items = { 1, 2, 3 }, zone = os.date("%z", 0) }
                end }
              :foreach { id = "each", items = function(input) return input.items end, concurrency = 2,
                  step = { id = "double", handler = function(n) aikit.sleep(0.01); return n * 2 end } }
              :branch { id = "kind", resolve = function(list) return #list > 2 and "many" or "few" end,
                  cases = { many = { id = "sum", handler = function(list)
                      local sum = 0
                      for _, n in ipairs(list) do sum = sum + n end
                      return { text = words.number(sum) }
                    end }, few = { id = "none", handler = function() return { text = "none" } end } } }
              :step { id = "home", permissions = { env = { "HOME" } }, handler = function(input)
                  input.home = aikit.env.get("HOME") ~= nil
                  input.user = pcall(aikit.env.get, "USER")
                  return input
                end }
              :commit()
            """
        private static let files = [
            "flow.lua": flow, "words.lua": "return { number = function(n) return 'the sum is ' .. n end }",
        ]

        @Test func `an empty table is a list of nothing there as well`() throws {
            let program = try Program([
                "w.lua": """
                return require "aikit".workflow { id = "w", schedules = {}, hooks = {}, tags = {}, metadata = {} }
                  :step { id = "s", handler = function() return "done" end }:commit()
                """
            ])
            defer { program.remove() }
            for isolation in ["none", "shared", "run"] {
                let outcome = try program.run("run", "w.lua", "--store", "memory", "--isolate=" + isolation)
                #expect(outcome.status == 0 && outcome.output == "\"done\"\n", "\(isolation): \(outcome.errors)")
            }
        }

        @Test func `a file that is larger than what a script may ask with is read there as well`() throws {
            let program = try Program([
                "w.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "w" }:step { id = "s", timeout = "20s", handler = function(path)
                    return #aikit.fs.read(path, { max_size = 100 * 1024 * 1024 })
                  end }:commit()
                """
            ])
            defer { program.remove() }
            let file = program.folder.appendingPathComponent("large")
            #expect(FileManager.default.createFile(atPath: file.path, contents: Data(count: 70_000_000)))
            let outcome = try program.run(
                "run", "w.lua", "--store", "memory", "--isolate=shared", "--allow-read=.", "--input", "\"large\"")
            #expect(outcome.status == 0 && outcome.output == "70000000\n", "\(outcome.errors)")
        }

        @Test(arguments: [["--store", "memory"], []])
        func `a run comes to the same in a process of its own`(_ store: [String]) throws {
            let program = try Program(Self.files)
            defer { program.remove() }
            let here = try program.run(["run", "flow.lua", "--allow-env"] + store)
            let there = try program.run(["run", "flow.lua", "--allow-env", "--isolate"] + store)
            #expect(here.status == 0 && there.status == 0, "\(there.errors)")
            #expect(there.output == here.output)
            #expect(there.output.contains("\"the sum is 12\"") && there.output.contains("\"user\": false"))
            func shown(_ outcome: Program.Outcome) -> String {
                outcome.errors.withoutTimes.replacing(#/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/#, with: "NOW")
            }
            #expect(shown(there) == shown(here))
        }

        @Test func `events are those of a run in process`() throws {
            let program = try Program(Self.files)
            defer { program.remove() }
            func types(_ more: [String]) throws -> [String] {
                let lines = try program.run(["run", "flow.lua", "--allow-env", "--events"] + more).output
                return lines.split(separator: "\n").compactMap { line in
                    let event = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                    return event?["type"] as? String
                }
            }
            // The order of steps that run beside each other is open.
            #expect(try types(["--isolate"]).sorted() == types([]).sorted())
        }

        @Test func `what is wrong with a script is told as in process`() throws {
            let program = try Program([
                "syntax.lua": "return 1 +", "lacks.lua": "return require 'nothing'", "loops.lua": "while true do end",
                "fails.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "w" }:step { id = "s", handler = function() error("no") end }:commit()
                """,
            ])
            defer { program.remove() }
            for name in ["syntax.lua", "lacks.lua", "fails.lua"] {
                let here = try program.run("run", name, "--store", "memory")
                let there = try program.run("run", name, "--store", "memory", "--isolate=run")
                #expect(there.status == here.status && there.output == here.output)
                #expect(there.errors.withoutTimes == here.errors.withoutTimes)
            }
            #expect(try program.run("run", "loops.lua", "--store", "memory", "--isolate").status == 2)
        }

        @Test func `a run that waits for a person goes on in another process`() throws {
            let program = try Program([
                "ask.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "ask" }
                  :human { id = "approve", output = function() return { text = "ok?" } end,
                      input = function(ask) return ask.form { title = "Ok?", fields = { ask.text { id = "word" } } } end,
                      response_schema = aikit.schema.object { word = aikit.schema.string() } }
                  :step { id = "last", handler = function(reply) return reply.word end }
                  :commit()
                """
            ])
            defer { program.remove() }
            #expect(try program.run("run", "ask.lua", "--run-id", "r", "--isolate").status == 3)
            let refused = try program.run("resume", "r", "--data", "{}", "--isolate")
            #expect(refused.status == 2 && refused.errors.contains("word"))
            let resumed = try program.run("resume", "r", "--data", #"{"word":"yes"}"#, "--isolate")
            #expect(resumed.status == 0 && resumed.output == "\"yes\"\n", "\(resumed.errors)")
        }

        @Test func `other runs are gone on with, retried and forked in processes of their own`() throws {
            let program = try Program([
                "flaky.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "flaky" }
                  :step { id = "first", handler = function(input) return { n = input.n + 1 } end }
                  :step { id = "second", handler = function(input)
                      if pcall(aikit.fs.read, "mended") then return { n = input.n * 2 } end
                      error("not yet")
                    end }
                  :commit()
                """
            ])
            defer { program.remove() }
            let failed = try program.run(
                "run", "flaky.lua", "--run-id", "r", "--input", #"{"n":1}"#, "--allow-read=.", "--isolate=run")
            #expect(failed.status == 1 && failed.errors.contains("not yet"), "\(failed.errors)")
            try program.write("", to: "mended")
            let retried = try program.run("runs", "retry", "r", "--run-id", "again", "--isolate")
            #expect(retried.status == 0 && retried.output.contains("\"n\": 4"), "\(retried.errors)")
            #expect(!retried.errors.contains("done       first"), "\(retried.errors)")
            let forked = try program.run(
                "runs", "fork", "r", "--from", "first", "--input", #"{"n":4}"#, "--isolate=script")
            #expect(forked.status == 0 && forked.output.contains("\"n\": 10"), "\(forked.errors)")
            #expect(try program.run("runs", "verify", "again").status == 0)
        }

        @Test func `an unfinished run of the store goes on in a process of its own`() throws {
            let program = try Program([
                "slow.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "slow" }
                  :step { id = "first", handler = function() return { begun = true } end }
                  :step { id = "second", handler = function(input)
                      aikit.fs.write("begun", "")
                      if not pcall(aikit.fs.read, "free") then aikit.sleep("60s") end
                      return input
                    end }
                  :commit()
                """
            ])
            defer { program.remove() }
            let running = try RunningProgram(
                program, ["run", "slow.lua", "--run-id", "r", "--allow-read=.", "--allow-write=.", "--isolate"])
            let end = Date.now.addingTimeInterval(30)
            while !program.exists("begun"), Date.now < end { usleep(10_000) }
            running.crash()
            try program.write("", to: "free")
            let recovered = try program.run("runs", "recover", "--isolate", "--json")
            #expect(recovered.status == 0 && recovered.output.contains("\"success\""), "\(recovered.errors)")
            #expect(try program.run("runs", "verify", "r").status == 0)
        }

        @Test func `an unknown way is refused`() throws {
            let program = try Program(Self.files)
            defer { program.remove() }
            #expect(try program.run("run", "flow.lua", "--isolate=most").status == 2)
            let served = try program.run("serve", ".", "--isolate=most")
            #expect(served.status == 2, "\(served.errors)")
        }
    }

    #if DEBUG
        /// A test build of the VM process does what a broken bridge could be made to do.
        @Suite struct BrokenBridgeTests {
            private static let script = """
                local aikit = require "aikit"
                return aikit.workflow { id = "broken" }
                  :step { id = "first", handler = function() return 1 end }
                  :step { id = "breaks", handler = function(input, context)
                      if context.initial_input.once and pcall(aikit.fs.read, "mark") then return "whole" end
                      if context.initial_input.once then aikit.fs.write("mark", "x") end
                      context:log("info", "vm-fault:" .. context.initial_input.fault)
                      return "survived"
                    end }
                  :commit()
                """
            private static let escaped = "/tmp/aikit-lua-escaped"

            private func run(_ program: Program, _ input: String, _ more: [String] = []) throws -> Program.Outcome {
                var environment = ProcessInfo.processInfo.environment
                environment["AIKIT_LUA_VM_FAULTS"] = "1"
                environment["NO_COLOR"] = nil
                var program = program
                program.binary = Program.binaryBeside
                return try program.run(
                    ["run", "broken.lua", "--store", "memory", "--isolate", "--input", input] + more,
                    environment: environment)
            }

            @Test(arguments: [
                ("segv", "SIGSEGV"), ("abort", "SIGABRT"), ("socket", "SIGSYS"), ("fork", "SIGSYS"), ("make", "SIGSYS"),
                ("kill-parent", "SIGSYS"), ("execute", "SIGSYS"), ("garbage", "SIGKILL"), ("noise", "SIGKILL"),
                ("foreign-run", "SIGKILL"), ("foreign-request", "SIGKILL"),
            ])
            func `a step that breaks its process again and again fails, and nothing else`(
                _ fault: String, _ signal: String
            ) throws {
                let program = try Program(["broken.lua": Self.script])
                defer { program.remove() }
                // Noise is read as it comes, and what the process said before it is dealt with later.
                for _ in 0..<(fault == "noise" ? 5 : 1) {
                    let outcome = try run(program, "{\"fault\":\"\(fault)\"}", ["--events"])
                    #expect(outcome.status == 1, "\(outcome.errors)")
                    let result = try #require(outcome.output.split(separator: "\n").last)
                    #expect(result.contains("\"vm_crashed\"") && result.contains(signal))
                    #expect(result.contains("broken.lua:4"))
                    #expect(result.contains("\"first\""))
                }
                #expect(!FileManager.default.fileExists(atPath: Self.escaped))
            }

            @Test func `there are no files`() throws {
                let program = try Program(["broken.lua": Self.script])
                defer { program.remove() }
                let outcome = try run(program, #"{"fault":"open"}"#)
                #expect(outcome.output == "\"survived\"\n", "\(outcome.errors)")
            }

            @Test func `a run goes on from its journal when its process has died`() throws {
                let program = try Program(["broken.lua": Self.script])
                defer { program.remove() }
                let outcome = try run(
                    program, #"{"fault":"segv","once":true}"#, ["--allow-read=.", "--allow-write=."])
                #expect(outcome.status == 0 && outcome.output == "\"whole\"\n", "\(outcome.errors)")
                #expect(outcome.errors.contains("SIGSEGV"))
            }

            @Test func `a step that nothing interrupts ends with its timeout all the same`() throws {
                let timed = Self.script.replacing(#"id = "breaks","#, with: #"id = "breaks", timeout = "1s","#)
                let program = try Program(["broken.lua": timed])
                defer { program.remove() }
                let outcome = try run(program, #"{"fault":"spin"}"#, ["--events"])
                #expect(outcome.status == 1 && outcome.errors.contains("did not stop run"), "\(outcome.errors)")
                #expect(
                    outcome.output.contains("\"timeout\"") && !outcome.output.contains("vm_crashed"),
                    "\(outcome.output)")
                #expect(outcome.output.split(separator: "\n").count { $0.contains("\"step:start\"") } == 2)
            }

            @Test func `a top level that nothing interrupts ends with its process`() throws {
                let program = try Program(["broken.lua": "require 'aikit'.log.info('vm-fault:spin')\n" + Self.script])
                defer { program.remove() }
                let outcome = try run(program, "{}")
                #expect(outcome.status != 0 && outcome.errors.contains("did not end code"), "\(outcome.errors)")
            }

            @Test func `a process that nothing interrupts is killed, and the run is cancelled`() throws {
                let program = try Program(["broken.lua": Self.script])
                defer { program.remove() }
                let outcome = try run(
                    program, #"{"fault":"spin"}"#, ["--timeout", "1s", "--cancel-on-timeout"])
                #expect(outcome.status == 1 && outcome.errors.contains("cancelled"), "\(outcome.errors)")
            }
        }
    #endif
}
