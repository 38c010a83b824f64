import FlatValue
internal import LuaWorkflows
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

@Suite("The trace that a handler sees")
struct TraceContextTests {
    @Test func `is that of the run's own caller, also in a run that was taken from another one`() async throws {
        func header(_ digit: Character) -> String {
            "00-\(String(repeating: digit, count: 32))-\(String(repeating: digit, count: 16))-01"
        }
        func trace(_ record: RunRecord) -> String? { record.result().result?.string }
        let scripts = try Scripts(["main.lua": oneStep("return context.trace.trace_id")])
        let workflow = try await scripts.load().workflows[0]
        let step = workflow.plan.details[1].id
        let engine = scripts.engine
        let own = try await engine.createRun(workflow).run()
        let source = try await engine.createRun(workflow).traced(traceparent: header("a")).run()
        #expect(trace(source) == String(repeating: "a", count: 32))
        #expect(trace(own)?.count == 32 && trace(own) != trace(source))
        for input in [nil, [:]] as [Value?] {
            let alone = try await engine.fork(source, of: workflow, at: .before(step), input: input).run.finished()
            #expect(trace(alone)?.count == 32 && trace(alone) != trace(source))
            let called = try await engine.fork(
                source, of: workflow, at: .before(step), input: input, caller: header("b")
            ).run.finished()
            #expect(trace(called) == String(repeating: "b", count: 32))
        }
    }
}
