import FlatValue
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

/// Runs that begin with what another one recorded: traces of their own, and a link to where that one's spans are.
@Suite("Spans of forks") struct ForkTests {
    private static let caller = "00-4e65d3fbe8ad6535681b021b30785b12-805b88a99a9eeea7-01"
    private static let workflow = Result {
        try Workflow(id: "orders") { code in
            [
                .step("load", handler: code.inline { value, _ in value }),
                .step("send", handler: code.inline { _, _ in 2 }),
            ]
        }
    }

    private func withEngine<Answer>(_ body: (WorkflowEngine, Workflow) async throws -> Answer) async throws -> Answer {
        let engine = WorkflowEngine(workers: 1, clock: TickingClock())
        defer { engine.shutdown() }
        return try await body(engine, try Self.workflow.get())
    }

    /// The record of `run-1`.
    private func source(_ engine: WorkflowEngine, _ workflow: Workflow, trace: Value?) async throws -> RunRecord {
        let run = engine.createRun(workflow, id: "run-1")
        try run.start(input: [:], metadata: nil, ctx: nil, trace: trace)
        return try await run.finished()
    }

    private func root(of run: String) -> SpanID { SpanID(run: run, path: "", attempt: 1, occurrence: 1) }

    @Test func `a fork begins a trace of its own, linked to the run that it came from`() async throws {
        try await withEngine { engine, workflow in
            let source = try await source(engine, workflow, trace: nil)
            let fork = try await engine.fork(source, of: workflow, at: .before("send"), id: "run-2").run
            let all = SpanBuilder.spans(of: try await fork.finished())
            #expect(all.lines == ["- > run ok", "run > send ok"])
            #expect(Set(all.map(\.trace)) == [TraceID(run: "run-2")])
            #expect(all.named("run")?.links == [Span.Link(trace: TraceID(run: "run-1"), span: root(of: "run-1"))])
        }
    }

    @Test func `a fork of a run in a caller's trace is linked to its span there, and a fork of the fork to the fork's`()
        async throws
    {
        try await withEngine { engine, workflow in
            let caller = try #require(TraceParent(Self.caller))
            let source = try await source(engine, workflow, trace: ["traceparent": Value(Self.caller)])
            let fork = try await engine.fork(source, of: workflow, at: .before("send"), id: "run-2").run.finished()
            let all = SpanBuilder.spans(of: fork)
            #expect(Set(all.map(\.trace)) == [TraceID(run: "run-2")])
            #expect(all.named("run")?.links == [Span.Link(trace: caller.trace, span: root(of: "run-1"))])
            for input in [nil, [:]] as [Value?] {
                let point = input == nil ? ForkPoint.before("send") : .before("load")
                let next = try await engine.fork(fork, of: workflow, at: point, input: input).run.finished()
                let link = Span.Link(trace: TraceID(run: "run-2"), span: root(of: "run-2"))
                #expect(SpanBuilder.spans(of: next).named("run")?.links == [link])
            }
        }
    }

    @Test func `a fork that somebody asks for in a trace lies there, and what is taken from it is linked to it there`()
        async throws
    {
        try await withEngine { engine, workflow in
            let own = "00-1e65d3fbe8ad6535681b021b30785b12-105b88a99a9eeea7-01"
            let (caller, asker) = (try #require(TraceParent(Self.caller)), try #require(TraceParent(own)))
            let source = try await source(engine, workflow, trace: ["traceparent": Value(Self.caller)])
            for input in [nil, [:]] as [Value?] {
                let point = input == nil ? ForkPoint.before("send") : .before("load")
                let id = input == nil ? "run-2" : "run-3"
                let fork = try await engine.fork(source, of: workflow, at: point, input: input, id: id, caller: own).run
                let record = try await fork.finished()
                let all = SpanBuilder.spans(of: record)
                #expect(Set(all.map(\.trace)) == [asker.trace])
                #expect(all.named("run")?.parent == asker.span)
                #expect(all.named("run")?.links == [Span.Link(trace: caller.trace, span: root(of: "run-1"))])
                for point in [ForkPoint.before("send"), .before("load")] {
                    let next = try await engine.fork(record, of: workflow, at: point).run
                    let spans = SpanBuilder.spans(of: try await next.finished())
                    #expect(Set(spans.map(\.trace)) == [TraceID(run: next.id)])
                    #expect(spans.named("run")?.links == [Span.Link(trace: asker.trace, span: root(of: id))])
                }
            }
        }
    }

    @Test func `a fork that begins with another input is linked as well, and traced as its source was`() async throws {
        try await withEngine { engine, workflow in
            let caller = try #require(TraceParent(Self.caller))
            let source = try await source(
                engine, workflow,
                trace: ["telemetry": ["user_id": "ada", "record_inputs": true], "traceparent": Value(Self.caller)])
            let fork = try await engine.fork(source, of: workflow, at: .before("load"), input: 7, id: "run-2").run
            let all = SpanBuilder.spans(of: try await fork.finished())
            #expect(all.lines == ["- > run ok", "run > load ok", "run > send ok"])
            #expect(Set(all.map(\.trace)) == [TraceID(run: "run-2")])
            let begun = try #require(all.named("run"))
            #expect(begun.parent == nil)
            #expect(begun.links == [Span.Link(trace: caller.trace, span: root(of: "run-1"))])
            #expect(begun.text("user.id") == "ada")
            #expect(all.named("load")?.text("langfuse.observation.input") == "7")
        }
    }

    @Test func `a fork of a run that has no spans has none either, however it begins`() async throws {
        try await withEngine { engine, workflow in
            let source = try await source(engine, workflow, trace: ["telemetry": false])
            for input in [nil, 7] as [Value?] {
                let fork = try await engine.fork(source, of: workflow, at: .before("load"), input: input).run
                #expect(SpanBuilder.spans(of: try await fork.finished()) == [])
            }
        }
    }
}
