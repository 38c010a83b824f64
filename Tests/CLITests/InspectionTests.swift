import Testing

private let risk = """
    local aikit = require "aikit"
    return aikit.workflow { id = "risk" }
      :branch { id = "pick", resolve = function() return "low" end, cases = {
        low = { { id = "calm", handler = function() return 1 end } },
        high = { { id = "warn", handler = function() return 2 end } } } }
      :commit()
    """

extension CommandLine {
    struct InspectionTests {
        @Test func `a workflow is drawn in each format`() throws {
            let program = try Program(["risk.lua": risk])
            defer { program.remove() }
            for (format, start) in [
                ("mermaid", "flowchart"), ("dot", "digraph"), ("json", "{"), ("svg", "<svg"),
            ] {
                let outcome = try program.run("graph", "risk.lua", "--format", format)
                #expect(outcome.status == 0)
                #expect(outcome.output.hasPrefix(start))
                #expect(outcome.output.contains("calm"))
                #expect(outcome.errors == "")
            }
            let wrong = try program.run("graph", "risk.lua", "--format", "png")
            #expect(wrong.status == 2)
            let missing = try program.run("graph", "none.lua")
            #expect(missing.status == 2)
            #expect(missing.errors == "none.lua: error: there is no such file\n")
        }

        @Test func `editor stubs describe the whole library`() throws {
            let program = try Program()
            defer { program.remove() }
            let outcome = try program.run("types")
            #expect(outcome.status == 0)
            #expect(outcome.output.hasPrefix("---@meta aikit\n"))
            for name in ["aikit.workflow", "aikit.http", "aikit.Context", "aikit.schema"] {
                #expect(outcome.output.contains(name))
            }
        }

        @Test func `doctor says what the program runs on`() throws {
            let program = try Program()
            defer { program.remove() }
            let outcome = try program.run("doctor")
            #expect(outcome.status == 0)
            for name in ["aikit-lua", "Lua 5.4.", "SQLite", "PCRE2", "recursing __concat", "chained coroutine.close"] {
                #expect(outcome.output.contains(name))
            }
        }

        @Test func `every command has help with examples`() throws {
            let program = try Program()
            defer { program.remove() }
            for command in [
                ["run"], ["resume"], ["signal"], ["check"], ["graph"], ["schema", "validate"], ["types"], ["doctor"],
                ["runs"], ["runs", "list"], ["runs", "show"], ["runs", "events"], ["runs", "cancel"],
                ["runs", "retry"],
                ["runs", "fork"], ["runs", "upgrade"], ["runs", "recover"], ["runs", "prune"], ["runs", "record"],
                ["torture"],
            ] {
                let outcome = try program.run(command + ["--help"])
                #expect(outcome.status == 0)
                #expect(outcome.output.contains("EXAMPLES\n  "), "\(command)")
                #expect(outcome.errors == "")
            }
            #expect(try program.run("--version").output.hasPrefix("0."))
        }

        @Test func `check finds an output that cannot be the input of what follows`() throws {
            let program = try Program([
                "flow.lua": """
                local aikit = require "aikit"
                local s = aikit.schema
                return aikit.workflow { id = "flow" }
                  :step { id = "count", output_schema = s.integer(), handler = function() return 1 end }
                  :step { id = "name", input_schema = s.string(), handler = function(name) return name end }
                  :commit()
                """
            ])
            defer { program.remove() }
            let outcome = try program.run("check", "flow.lua")
            #expect(outcome.status == 2)
            #expect(outcome.errors.contains("flow.lua:5: error: "))
        }
    }
}
