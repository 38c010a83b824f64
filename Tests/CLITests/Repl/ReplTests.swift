import Testing

private let greeting = """
    local aikit = require "aikit"
    return aikit.workflow { id = "greeting" }
      :step { id = "greet", handler = function(input) return { text = "Hello " .. (input.name or "you") } end }
      :step { id = "shout", handler = function(input) return input.text:upper() end }
      :commit()
    """

extension CommandLine {
    struct ReplTests {
        private func repl(_ lines: String, _ arguments: String..., files: [String: String] = [:]) throws
            -> Program.Outcome
        {
            let program = try Program(files)
            defer { program.remove() }
            return try program.run(["repl"] + arguments, input: lines)
        }

        @Test func `values are shown as Lua would write them, and globals last`() throws {
            let outcome = try repl(
                """
                1 + 1
                x = { 1, 2, name = "a\\nb", inner = { true } }
                x
                "text", nil
                aikit.null
                local gone = 1
                _
                """)
            #expect(
                outcome.output == """
                    2
                    { 1, 2, inner = { true }, name = "a\\nb" }
                    "text"
                    nil
                    aikit.null
                    aikit.null

                    """)
            #expect(outcome.errors == "")
            #expect(outcome.status == 0)
        }

        @Test func `an input goes on over lines until it is complete`() throws {
            let outcome = try repl(
                """
                function double(n)
                  return n * 2
                end
                double(21)
                """)
            #expect(outcome.output == "42\n")
            #expect(outcome.status == 0)
        }

        @Test func `host calls work at the prompt, and what is printed is shown`() throws {
            let outcome = try repl("aikit.sleep('1ms')\nprint('seen')\naikit.json.encode({ a = 1 })\n")
            #expect(outcome.output == "seen\n\"{\\\"a\\\":1}\"\n")
            #expect(outcome.status == 0)
        }

        @Test func `a mistake is told with its line, the session goes on, and the status tells of it`() throws {
            let outcome = try repl("pritn(1)\nx = = 1\n3")
            #expect(outcome.output == "3\n")
            #expect(outcome.errors.contains("did you mean 'print'?"))
            #expect(outcome.errors.contains("  1 | pritn(1)\n"))
            #expect(outcome.errors.contains("unexpected symbol near '='"))
            #expect(outcome.status == 1)
            #expect(try repl("aikit.fail { code = 'c', message = 'mine' }").errors.hasPrefix("input:1: error: mine\n"))
            #expect(try repl("x = {").errors.contains("ends in the middle of a statement"))
        }

        @Test func `the name of a local of an earlier input is told what became of it`() throws {
            let outcome = try repl("local x, y = 1, 2\nlocal function f() end\nx\nf\nz")
            #expect(outcome.errors.contains("undefined global 'x'; a local ends with its input, so write 'x = …'"))
            #expect(outcome.errors.contains("undefined global 'f'; a local ends with its input"))
            #expect(outcome.errors.contains("undefined global 'z'\n"))
        }

        @Test func `the script's workflow and its steps are run`() throws {
            let outcome = try repl(
                """
                :run {"name":"Ada"}
                :step shout {"text":"quiet"}
                :step shuot {"text":"quiet"}
                script.id
                """, "greeting.lua", files: ["greeting.lua": greeting])
            #expect(outcome.output == "\"HELLO ADA\"\n\"QUIET\"\n\"greeting\"\n")
            #expect(outcome.errors.contains("the workflow has no step 'shuot'; did you mean 'shout'?"))
            #expect(outcome.status == 1)
        }

        @Test func `what is typed while a line is evaluated is the next line`() throws {
            let program = try Program()
            defer { program.remove() }
            let terminal = try Terminal(program, "repl")
            try terminal.wait(for: "> ")
            // Like a paste: the second line and half of the third are there before the first one is evaluated.
            terminal.type("require('aikit').sleep('200ms')\r6 * 7\r'typed ")
            try terminal.wait(for: "6 * 7")
            terminal.type("ahead'\r:quit\r")
            let outcome = terminal.finish()
            #expect(outcome.status == 0)
            #expect(outcome.output.contains("42\n"))
            #expect(outcome.output.contains("\"typed ahead\""))
        }

        @Test func `a script that is not there is wrong usage`() throws {
            let outcome = try repl("1", "nowhere.lua")
            #expect(outcome.status == 2)
            #expect(outcome.output == "")
            #expect(outcome.errors == "nowhere.lua: error: there is no such file\n")
        }
    }
}
