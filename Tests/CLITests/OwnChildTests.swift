import Testing

extension CommandLine {
    struct OwnChildTests {
        @Test(arguments: [[], ["--store", "memory"], ["--isolate", "--store", "memory"]])
        func `a run that another one started, and that claims to start itself, is told so`(store: [String]) throws {
            let program = try Program([
                "kid.lua": """
                local aikit = require "aikit"
                return aikit.workflow { id = "w" }:step { id = "a", handler = function(input)
                    if input.deep then return select(2, pcall(aikit.start, "w", {}, { id = "kid" })).message end
                    return aikit.start("w", { deep = true }, { id = "kid", wait = true })
                  end }:commit()
                """
            ])
            defer { program.remove() }
            let run = try program.run(["run", "kid.lua", "--timeout", "20s", "--input", "{}"] + store)
            #expect(run.output.contains("run 'kid' cannot start a run of its own id"), "\(run.output) \(run.errors)")
        }
    }
}
