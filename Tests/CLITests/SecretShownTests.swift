import Testing

private let login = """
    local aikit = require "aikit"
    local s = aikit.schema
    return aikit.workflow { id = "login", input_schema = s.object { user = s.string(), pin = s.string():secret() } }
      :step { id = "use", handler = function(input, context)
        context:log("warn", "trying " .. input.pin)
        print("printed " .. input.pin)
        return input
      end }
      :step { id = "fails", retry = { max_attempts = 2, initial = "1ms" }, handler = function(input)
        error("no entry with " .. input.pin)
      end }
      :commit()
    """

extension CommandLine {
    /// What is shown of runs with secrets in their schemas.
    struct SecretShownTests {
        private func failed() throws -> (Program, Program.Outcome) {
            let program = try Program(["login.lua": login])
            let run = try program.run(
                "run", "login.lua", "--store", "r.db", "--run-id", "r", "--input", #"{"user":"ada","pin":"hush-4711"}"#)
            #expect(run.status == 1)
            return (program, run)
        }

        @Test func `a run that fails says why without its secrets`() throws {
            let (program, run) = try failed()
            defer { program.remove() }
            #expect(run.errors.contains("no entry with [secret]"), "\(run.errors)")
            #expect(run.errors.contains("printed [secret]"), "\(run.errors)")
            #expect(!run.errors.contains("hush-4711"), "\(run.errors)")
        }

        @Test(arguments: [
            ["list"], ["list", "--json"], ["show", "r"], ["show", "r", "--full"], ["show", "r", "--json", "--redact"],
            ["events", "r", "--redact"],
        ]) func `commands that look at runs show none of their secrets`(arguments: [String]) throws {
            let (program, _) = try failed()
            defer { program.remove() }
            let shown = try program.run(["runs"] + arguments + ["--store", "r.db"])
            #expect(shown.status == 0, "\(shown.errors)")
            #expect(!shown.output.contains("hush-4711"), "\(shown.output)")
            #expect(shown.output.contains("[secret]"), "\(shown.output)")
        }

        @Test func `which case a secret chose is not shown`() throws {
            let program = try Program([
                "way.lua": """
                local aikit = require "aikit"
                local s = aikit.schema
                return aikit.workflow { id = "way", input_schema = s.object { pin = s.string():secret() } }
                  :branch { id = "br", resolve = function(input) return input.pin end, cases = {
                    ["hush-4711"] = { id = "inner", handler = function() return 1 end },
                  } }
                  :commit()
                """
            ])
            defer { program.remove() }
            let run = try program.run(
                "run", "way.lua", "--store", "r.db", "--run-id", "r", "--input", #"{"pin":"hush-4711"}"#)
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.errors.contains("br -> [secret]") && !run.errors.contains("hush-4711"), "\(run.errors)")
            for arguments in [
                ["show", "r", "--full"], ["show", "r", "--json", "--redact"], ["trace", "r", "--json"],
            ] {
                let shown = try program.run(["runs"] + arguments + ["--store", "r.db"])
                #expect(shown.status == 0 && !shown.output.contains("hush-4711"), "\(shown.output) \(shown.errors)")
            }
        }

        @Test(arguments: [["show", "r", "--json"], ["events", "r"]])
        func `programs get what a run gave, unless they ask for less`(arguments: [String]) throws {
            let (program, _) = try failed()
            defer { program.remove() }
            #expect(try program.run(["runs"] + arguments + ["--store", "r.db"]).output.contains("hush-4711"))
        }
    }
}
