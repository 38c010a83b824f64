import Foundation
import Platform
import Testing

extension CommandLine {
    /// Everything that a person can get wrong: a clear message, status 2 (or 1 once a run has begun), no crash and no hang.
    struct BadInputTests {
        private func run(_ script: String, _ arguments: String...) throws -> Program.Outcome {
            let program = try Program(["bad.lua": script])
            defer { program.remove() }
            var outcome: Program.Outcome
            switch arguments.count {
            case 0: outcome = try program.run("run", "bad.lua")
            default: outcome = try program.run("run", "bad.lua", arguments[0], arguments[1])
            }
            outcome.errors = outcome.errors.withoutTimes
            return outcome
        }

        @Test func `a missing file`() throws {
            let program = try Program()
            defer { program.remove() }
            let outcome = try program.run("run", "none.lua")
            #expect(outcome.status == 2)
            #expect(outcome.errors == "none.lua: error: there is no such file\n")
        }

        @Test func `a time that is none`() throws {
            let program = try Program([
                "w.lua": """
                return require "aikit".workflow { id = "w" }:step { id = "s", handler = function() end }:commit()
                """
            ])
            defer { program.remove() }
            let outcome = try program.run("schedules", "w.lua", "--from", "2026-02-30")
            #expect(outcome.status == 2)
            #expect(
                outcome.errors
                    == "error: --from takes a date such as 2026-11-23, a time, or a duration such as 2h, got '2026-02-30'\n"
            )
        }

        @Test func `a folder instead of a script`() throws {
            let program = try Program()
            defer { program.remove() }
            let outcome = try program.run("run", ".")
            #expect(outcome.status == 2)
            #expect(outcome.errors == ".: error: this is a folder; name a .lua file\n")
        }

        @Test(arguments: ["run", "check", "serve", "mcp", "test"])
        func `a device instead of a script`(_ command: String) throws {
            let program = try Program()
            defer { program.remove() }
            let outcome = try program.run(command, "/dev/null")
            #expect((outcome.output + outcome.errors).contains("it is not a regular file"))
            #expect(outcome.status == 2, "\(outcome)")
        }

        @Test(arguments: [
            ["run", "w.lua", "--isolate", "strict"], ["run", "--isolate", "strict", "w.lua"],
            ["serve", ".", "--isolate", "strict"], ["serve", "--isolate", "strict"],
            ["mcp", "--isolate", "strict", "."],
        ])
        func `a way of isolation that is not joined to its option`(_ words: [String]) throws {
            let program = try Program(["w.lua": "return 1"])
            defer { program.remove() }
            let outcome = try program.run(words)
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains("did you mean --isolate=strict?"), "\(outcome.errors)")
            #expect(!program.exists("strict"))
        }

        @Test func `a folder that is called as a way of isolation is a folder`() throws {
            let program = try Program(["strict": "return 1"])
            defer { program.remove() }
            let outcome = try program.run("run", "--isolate", "strict", "--store", "memory")
            #expect(outcome.status == 2)
            #expect(!outcome.errors.contains("did you mean"), "\(outcome.errors)")
        }

        @Test func `a pipe or a device in place of a certificate, keys or a store`() throws {
            let program = try Program([
                "w.lua": "return require 'aikit'.workflow { id = 'w' }:step { id = 'a', handler = print }:commit()"
            ])
            defer { program.remove() }
            let pipe = program.folder.appendingPathComponent("pipe").path
            #expect(mkfifo(pipe, 0o600) == 0)
            for place in [pipe, "/dev/zero"] {
                for options in [
                    ["--store", "memory", "--tls-cert", place, "--tls-key", place],
                    ["--store", "memory", "--jwks", place],
                    ["--store", place],
                ] {
                    let outcome = try program.run(["serve", "w.lua", "--port", "0"] + options)
                    #expect(outcome.status == 2)
                    #expect(outcome.errors.contains("no regular file"))
                }
            }
        }

        @Test func `a name that is not UTF-8 is refused, and nothing is made by another name`() throws {
            let program = try Program()
            defer { program.remove() }
            let shell = Process()
            shell.executableURL = URL(fileURLWithPath: "/bin/sh")
            shell.arguments = ["-c", #"exec "$0" init "$(printf 'b\377d')" 2>said"#, program.binary]
            shell.currentDirectoryURL = program.folder
            try shell.run()
            shell.waitUntilExit()
            #expect(shell.terminationStatus == 2)
            let said = try String(contentsOf: program.folder.appendingPathComponent("said"), encoding: .utf8)
            #expect(said.contains(#"'b\xffd' on the command line is not UTF-8"#))
            #expect(try FileManager.default.contentsOfDirectory(atPath: program.folder.path) == ["said"])
        }

        @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
        func `a result that cannot be written is told, and is no success`() throws {
            let program = try Program([
                "w.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "w" }:step { id = "a", handler = function() return 1 end }:commit()
                """
            ])
            defer { program.remove() }
            for command in ["run w.lua --store memory", "--version", "graph w.lua"] {
                let shell = Process()
                shell.executableURL = URL(fileURLWithPath: "/bin/sh")
                shell.arguments = ["-c", "exec \"$0\" \(command) >/dev/full 2>said", program.binary]
                shell.currentDirectoryURL = program.folder
                try shell.run()
                shell.waitUntilExit()
                #expect(shell.terminationStatus == 1)
                let said = try String(contentsOf: program.folder.appendingPathComponent("said"), encoding: .utf8)
                #expect(said.contains("error: standard output cannot be written: "), "\(said)")
            }
        }

        @Test func `a syntax error`() throws {
            let outcome = try run("local x = 1\nlocal y = = 2\n")
            #expect(outcome.status == 2)
            #expect(
                outcome.errors == """
                    bad.lua:2: error: unexpected symbol near '='
                      2 | local y = = 2
                        |         ^

                    """)
        }

        @Test func `a runtime error in a handler`() throws {
            let outcome = try run(
                """
                local aikit = require "aikit"
                local function deep(input) return input.weather.wind end
                return aikit.workflow { id = "w" }
                  :step { id = "read", handler = function(input) local wind = deep(input) return wind end }
                  :commit()
                """)
            #expect(outcome.status == 1)
            #expect(outcome.output == "")
            #expect(
                outcome.errors == """
                    run RUN of workflow w
                      failed     read TIME: bad.lua:2: attempt to index a nil value (field 'weather')
                    ✗ w failed after TIME
                    bad.lua:2: error: attempt to index a nil value (field 'weather')
                      2 | local function deep(input) return input.weather.wind end
                        |                                         ^^^^^^^
                      in step 'read'
                      traceback:
                        bad.lua:2: in function 'deep'
                        bad.lua:4: in function <bad.lua:4>

                    """)
        }

        @Test(arguments: [
            ("local total = {} total = total + 1 return total", "                           ^^^^^"),
            ("local x = 1 error(\"boom\") return x", "              ^^^^^"),
            ("local msg local x = \"msg\" .. msg return x", "                               ^^^"),
            ("local floor = math.floor return floor(\"a\") + 1", "                                  ^^^^^"),
            ("local ctx = context.ctx ctx.locale = \"de\" return ctx.locale", "                              ^^^^^^"),
            ("local a = { n = 1 } local n = a.n + #a.m return n", "                                         ^"),
        ])
        func `the mark stands under what failed`(body: String, mark: String) throws {
            let outcome = try run(
                """
                local aikit = require "aikit"
                local function handler(input, context)
                  \(body)
                end
                return aikit.workflow { id = "w" }:step { id = "total", handler = handler }:commit()
                """)
            #expect(outcome.errors.contains("  3 |   \(body)\n    | \(mark)\n"), "\(outcome.errors)")
        }

        @Test func `an item of a list of the workflow's`() throws {
            let outcome = try run(
                """
                local aikit = require "aikit"
                local retries = { tries = 3 }
                return aikit.workflow { id = "w",
                  schedules = {
                    { id = "a", every = "1h" },
                    { id = "b",
                      cron = "61 * * * *" },
                    { id = "c", every = "1h", zone = "x" },
                  },
                  hooks = { { id = "h1",
                    pth = "/x" } } }
                  :step { id = "one", handler = print, retry = retries }
                  :commit()
                """)
            #expect(outcome.errors.contains("bad.lua:7: error: schedule 'b'"), "\(outcome.errors)")
            #expect(outcome.errors.contains("bad.lua:8: error: schedule 'c'"), "\(outcome.errors)")
            #expect(outcome.errors.contains("bad.lua:11: error: hook 'h1' of workflow 'w' has an unknown key"))
            #expect(outcome.errors.contains("'retry.tries'; did you mean 'max_attempts'?"))
        }

        @Test(arguments: ["-9223372036854775808", "0", "9223372036854775807"])
        func `a key that looks like an item of a list`(index: String) throws {
            let outcome = try run(
                """
                local aikit = require "aikit"
                return aikit.workflow { id = "w[\(index)]", ["schedules[\(index)]"] = 1,
                  schedules = { { id = "s[\(index)]", cron = "x" } } }
                  :step { id = "one[\(index)]", handler = 5, ["retry[\(index)]"] = 1 }
                  :commit()
                """)
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains("bad.lua:"), "\(outcome.errors)")
        }

        @Test func `an undefined global`() throws {
            let outcome = try run("local aikit = require \"aikit\"\nlocal x = tostrng(1)\n")
            #expect(outcome.status == 2)
            #expect(
                outcome.errors.hasPrefix("bad.lua:2: error: undefined global 'tostrng' (did you mean 'tostring'?)\n"))
            #expect(outcome.errors.contains("  2 | local x = tostrng(1)\n    |           ^^^^^^^\n"))
        }

        @Test func `a workflow without steps`() throws {
            let outcome = try run("return require \"aikit\".workflow { id = \"empty\" }:commit()\n")
            #expect(outcome.status == 2)
            #expect(outcome.errors.hasPrefix("bad.lua:1: error: "))
            #expect(outcome.errors.contains("no steps"))
        }

        @Test func `a duplicate id, and all other problems at once`() throws {
            let outcome = try run(
                """
                local aikit = require "aikit"
                local a = aikit.step { id = "a", handler = function() return 1 end }
                local b = aikit.step { id = "a", handlr = function() return 1 end }
                return aikit.workflow { id = "w" }:step(a):step(b):commit()
                """)
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains("'a'"))
            #expect(outcome.errors.contains("did you mean 'handler'?"))
            #expect(outcome.errors.contains("bad.lua:3: error: "))
        }

        @Test func `an unknown case`() throws {
            let outcome = try run(
                """
                local aikit = require "aikit"
                return aikit.workflow { id = "w" }
                  :branch {
                    id = "risk", resolve = function() return "strom" end,
                    cases = { storm = { { id = "warn", handler = function() return 1 end } } },
                  }
                  :commit()
                """)
            #expect(outcome.status == 1)
            #expect(outcome.errors.contains("strom"))
            #expect(outcome.errors.contains("did you mean 'storm'?"))
        }

        @Test func `invalid JSON is shown with its line and column`() throws {
            let program = try Program(["a.lua": "", "in.json": "{\n  \"a\": 1,\n  b: 2\n}\n"])
            defer { program.remove() }
            let file = try program.run("run", "a.lua", "--input", "@in.json")
            #expect(file.status == 2)
            #expect(
                file.errors == """
                    in.json:3:3: error: --input is not JSON: expected a key, got 'b'
                      3 |   b: 2
                        |   ^

                    """)
            let word = try program.run("run", "a.lua", "--input", "{name:1}")
            #expect(word.status == 2)
            #expect(
                word.errors == """
                    --input:1:2: error: --input is not JSON: expected a key or '}', got 'n'
                      1 | {name:1}
                        |  ^

                    """)
            let missing = try program.run("run", "a.lua", "--input", "@nope.json")
            #expect(missing.status == 2)
            #expect(missing.errors == "error: --input cannot read nope.json: No such file or directory\n")
        }

        @Test func `input that fails its schema`() throws {
            let outcome = try run(
                """
                local aikit = require "aikit"
                local s = aikit.schema
                return aikit.workflow { id = "w", input_schema = s.object { city = s.string():min(1) } }
                  :step { id = "a", handler = function(input) return input end }
                  :commit()
                """, "--input", #"{"city":5}"#)
            #expect(outcome.status == 1)
            #expect(outcome.output == "")
            #expect(outcome.errors.contains("city"))
        }

        @Test func `a script that returns nothing`() throws {
            let outcome = try run("local x = 1\n")
            #expect(outcome.status == 2)
            #expect(outcome.errors.hasPrefix("bad.lua: error: "))
            #expect(outcome.errors.contains("return"))
        }

        @Test func `an endless loop at the top level`() throws {
            let outcome = try run("while true do end\n")
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains("endless loop"))
        }

        @Test func `200 MB returned by a step`() throws {
            let outcome = try run(
                """
                local aikit = require "aikit"
                return aikit.workflow { id = "w" }
                  :step { id = "big", handler = function() return ("x"):rep(200 * 1024 * 1024) end }
                  :commit()
                """)
            #expect(outcome.status == 1)
            #expect(outcome.output == "")
            #expect(outcome.errors.contains("64 MiB"))
            #expect(outcome.errors.utf8.count < 4000)
        }

        @Test func `wrong usage`() throws {
            let program = try Program(["a.lua": ""])
            defer { program.remove() }
            let command = try program.run("rnu", "a.lua")
            #expect(command.status == 2)
            #expect(command.errors.hasPrefix("error: there is no command 'rnu'; did you mean 'run'?\n"))
            let option = try program.run("run", "a.lua", "--inptu", "{}")
            #expect(option.status == 2)
            #expect(option.errors.hasPrefix("error: Unknown option '--inptu'. Did you mean '--input'?\n"))
            let timeout = try program.run("run", "a.lua", "--timeout", "soon")
            #expect(timeout.status == 2)
            #expect(timeout.errors == "error: --timeout takes a duration such as 500ms, 30s, 5m or 2h, got 'soon'\n")
            let workers = try program.run("run", "a.lua", "--workers", "0")
            #expect(workers.status == 2)
            let metadata = try program.run("run", "a.lua", "--metadata", "[1]")
            #expect(metadata.status == 2)
            #expect(metadata.errors == "error: --metadata takes an object, such as '{\"team\":\"ops\"}'\n")
        }
    }
}
