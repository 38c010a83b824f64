import Testing

private let family = """
    local aikit = require "aikit"
    local long = aikit.workflow { id = "long" }
      :step { id = "sleep", handler = function() aikit.sleep "60s" end }
      :commit()
    local hold = aikit.workflow { id = "hold" }
      :step { id = "hold", handler = function()
        print "holds"
        local ok, failure = pcall(aikit.start, "long", {}, { id = "held", wait = true })
        return { failure.code, failure.message }
      end }
      :commit()
    return { long, hold }
    """

extension CommandLine {
    /// What a step is told of the end of a run that it waits for.
    struct ChildEndTests {
        @Test(arguments: [[], ["--reason", "sold out"]], [[], ["--isolate"]])
        func `why a run was cancelled is said once`(reason: [String], way: [String]) throws {
            let program = try Program(["family.lua": family])
            defer { program.remove() }
            let running = try RunningProgram(
                program, ["run", "family.lua", "--workflow", "hold", "--run-id", "p"] + way)
            #expect(running.hear("holds"))
            while try program.run("runs", "show", "held").status != 0 {}
            #expect(try program.run(["runs", "cancel", "held"] + reason).status == 0)
            let outcome = running.finish()
            #expect(outcome.status == 0, "\(outcome.errors)")
            let message = "run held was cancelled" + (reason.isEmpty ? "" : ": sold out")
            #expect(outcome.output.contains("\"child_cancelled\""))
            #expect(outcome.output.contains("\"\(message)\""), "\(outcome.output)")
        }
    }
}
