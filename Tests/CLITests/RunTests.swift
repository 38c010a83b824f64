import Testing

private let hello = """
    local aikit = require "aikit"
    return aikit.workflow { id = "hello" }
      :step { id = "greet", handler = function(input) return { text = "Hello " .. (input.name or "you") } end }
      :commit()
    """

extension CommandLine {
    struct RunTests {
        @Test func `the output is JSON on standard output, the progress goes to standard error`() throws {
            let program = try Program(["hello.lua": hello])
            defer { program.remove() }
            let outcome = try program.run("run", "hello.lua", "--input", #"{"name":"Ada"}"#)
            #expect(outcome.status == 0)
            #expect(outcome.output == "{\n  \"text\": \"Hello Ada\"\n}\n")
            #expect(
                outcome.errors.withoutTimes == """
                    run RUN of workflow hello
                      done       greet TIME
                    ✓ hello succeeded in TIME, 1 step

                    """)
        }

        @Test func `input comes from a file or from standard input too`() throws {
            let program = try Program(["hello.lua": hello, "ada.json": #"{"name": "Ada"}"#])
            defer { program.remove() }
            let expected = "{\n  \"text\": \"Hello Ada\"\n}\n"
            #expect(try program.run("run", "hello.lua", "--input", "@ada.json").output == expected)
            #expect(try program.run("run", "hello.lua", "--input", "-", input: #"{"name":"Ada"}"#).output == expected)
        }

        @Test func `events come one a line, the result last`() throws {
            let program = try Program(["hello.lua": hello])
            defer { program.remove() }
            let outcome = try program.run("run", "hello.lua", "--events", "--run-id", "r1")
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.count == 5)
            #expect(lines.allSatisfy { $0.hasPrefix("{") && $0.hasSuffix("}") })
            #expect(lines.first?.contains(#""runId":"r1""#) == true)
            #expect(lines.last?.contains(#""type":"result""#) == true)
            #expect(lines.last?.contains(#""result":{"text":"Hello you"}"#) == true)
            #expect(outcome.errors == "")
        }

        @Test func `what a script prints goes to standard error`() throws {
            let program = try Program([
                "print.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "p" }
                  :step { id = "a", handler = function() print("seen", 1) aikit.log.warn("careful", { n = 2 }) return 1 end }
                  :commit()
                """
            ])
            defer { program.remove() }
            let outcome = try program.run("run", "print.lua")
            #expect(outcome.output == "1\n")
            #expect(outcome.errors.contains("  seen\t1\n"))
            #expect(outcome.errors.contains(#/ warn careful run=\S+ path=a fields=\{"n":2\}\n/#))
        }

        @Test func `a run in memory that takes longer than it may is cancelled and fails`() throws {
            let program = try Program([
                "slow.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "slow" }:step { id = "nap", handler = function() aikit.sleep("1h") end }:commit()
                """
            ])
            defer { program.remove() }
            let outcome = try program.run("run", "slow.lua", "--timeout", "50ms", "--store", "memory")
            #expect(outcome.status == 1)
            #expect(outcome.output == "")
            #expect(outcome.errors.contains("the run took longer than --timeout allows"))
        }

        @Test func `a run that is stored goes on though its script is broken or gone`() throws {
            let program = try Program([
                "wait.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "w" }
                  :wait_for { id = "go", event = "go" }
                  :step { id = "end", handler = function() return "old" end }
                  :commit()
                """
            ])
            defer { program.remove() }
            #expect(try program.run("run", "wait.lua", "--run-id", "r1").status == 3)
            try program.write("this is no Lua", to: "wait.lua")
            let waiting = try program.run("run", "wait.lua", "--run-id", "r1", "--detach")
            #expect(waiting.status == 3, "\(waiting.errors)")
            #expect(try program.run("signal", "r1", "go").output == "\"old\"\n")
            #expect(try program.run("run", "wait.lua", "--run-id", "r1").output == "\"old\"\n")
            let other = try program.run("run", "wait.lua", "--run-id", "r2")
            #expect(other.status == 2)
            #expect(other.errors.contains("wait.lua:1: error:"))
        }

        @Test func `of an error that is long people are shown the beginning, and programs all`() throws {
            let program = try Program([
                "long.lua": """
                return require "aikit".workflow { id = "long" }
                  :step { id = "a", handler = function() error(("é"):rep(500000)) end }
                  :commit()
                """
            ])
            defer { program.remove() }
            let outcome = try program.run("run", "long.lua")
            #expect(outcome.errors.utf8.count < 30_000 && outcome.errors.contains("bytes more)"))
            let list = try program.run("runs", "list")
            #expect(list.output.utf8.count < 10_000 && list.output.contains("bytes more)"))
            let events = try program.run("run", "long.lua", "--events")
            #expect(events.output.utf8.count > 1_000_000)
        }

        @Test func `one of several workflows is chosen by its id`() throws {
            let program = try Program([
                "two.lua": """
                local aikit = require "aikit"
                local function make(id) return aikit.workflow { id = id }:step { id = "s", handler = function() return id end }:commit() end
                return { make "first", make "second" }
                """
            ])
            defer { program.remove() }
            #expect(try program.run("run", "two.lua", "--workflow", "second").output == "\"second\"\n")
            let none = try program.run("run", "two.lua")
            #expect(none.status == 2)
            #expect(none.errors == "error: the script has 2 workflows; choose one with --workflow: first, second\n")
            let wrong = try program.run("run", "two.lua", "--workflow", "secnod")
            #expect(wrong.status == 2)
            #expect(wrong.errors == "error: the script has no workflow 'secnod'; did you mean 'second'?\n")
        }
    }
}
