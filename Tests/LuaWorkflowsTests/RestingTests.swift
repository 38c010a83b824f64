internal import FlatValue
internal import LuaWorkflows
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("Workers that have nothing to do")
struct RestingTests {
    @Test func `what a large run leaves in its VM is given back, and what the script keeps stays`() async throws {
        let engine = WorkflowEngine(workers: 1)
        defer { engine.shutdown() }
        let source = """
            local aikit = require "aikit"
            local kept = { text = "kept" }
            return aikit.workflow { id = "w" }
              :step { id = "large", handler = function() return #{ ("x"):rep(20000000), ("y"):rep(20000000) } end }
              :step { id = "kept", handler = function() return kept.text end }
              :commit()
            """
        let script = try await LuaScript.load(source: source, named: "main.lua", on: engine)
        for _ in 0..<2 {
            let result = try await engine.createRun(script.workflows[0]).run().result()
            #expect(result.result == "kept")
            let figures = engine.workers[0].figures
            var waits = 0
            while figures.memoryUsed == 0 || figures.memoryUsed > 8 << 20, waits < 1000 {
                waits += 1
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(figures.memoryUsed > 0 && figures.memoryUsed < 8 << 20)
        }
    }
}
