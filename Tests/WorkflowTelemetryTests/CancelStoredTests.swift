import FlatValue
import MemoryJournal
import Platform
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

/// Runs that one process began and another one cancels, which finds that nobody drives them.
@Suite("Spans of runs that are cancelled in the store") struct CancelStoredTests {
    /// How the first process ended.
    enum End: CaseIterable { case letGo, died }

    /// What is called on the way to the end.
    enum Way: CaseIterable { case nothing, compensation, handler }

    private struct LaterClock: EngineClock {
        func now() -> Int64 { SystemClock().now() + 600_000_000 }
        func skip(to deadline: Int64) -> Bool { false }
    }

    private static func workflow(_ way: Way, _ gate: Gate) throws -> Workflow {
        var code = StepHandlers()
        let nothing = code.inline { _, _ in .null }
        let definition = WorkflowDefinition(
            id: "orders", onCancel: way == .handler ? nothing : nil,
            nodes: [
                .step("load", handler: code.inline { _, _ in 1 }, compensate: way == .compensation ? nothing : nil),
                .step(
                    "send",
                    handler: code.async { value, _ in
                        _ = await gate.passed()
                        return value
                    }),
            ])
        return try Workflow(definition, handlers: code)
    }

    /// - Parameter isWhole: whether all that it follows is sent.
    private func export(
        _ journal: MemoryJournal, _ engine: WorkflowEngine, _ server: FakeServer, isWhole: Bool = true
    ) throws -> TraceExport {
        let variables = ["OTEL_BSP_SCHEDULE_DELAY": "1"]
        let settings = try #require(try ExportSettings(otlp: "http://collector") { variables[$0] })
        let export = TraceExport(settings, store: journal, http: server) { told in
            if isWhole { Issue.record("\(told)") }
        }
        export.follow(engine)
        return export
    }

    /// Each span with its end.
    private func ends(_ spans: [Value]) -> [String] {
        spans.map { "\($0["spanId"]?.string ?? "") \($0["endTimeUnixNano"]?.string ?? "")" }.sorted()
    }

    @Test(arguments: End.allCases, Way.allCases)
    func `all spans are sent, each once, and what was under way ends when it was last heard of`(end: End, way: Way)
        async throws
    {
        let (store, gate, first, second) = (MemoryStore(), Gate(), FakeServer(), FakeServer())
        let workflow = try Self.workflow(way, gate)
        let dead = MemoryJournal(store)
        let deadEngine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: dead)
        let deadExport = try export(dead, deadEngine, first, isWhole: end == .letGo)
        try deadEngine.createRun(workflow, id: "run-1").start(input: [:])
        while first.spanCount < 1 { try await Task.sleep(for: .milliseconds(2)) }
        if end == .letGo { await deadExport.finish(deadEngine, within: .seconds(60)) }

        let journal = MemoryJournal(store, clock: end == .died ? LaterClock() : SystemClock())
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: journal)
        let export = try export(journal, engine, second)
        let directory = try RunDirectory(engine, catalog: FixedCatalog([workflow]))
        let record = try await directory.cancel("run-1", reason: "no stock")
        await export.finish(engine, within: .seconds(60))
        gate.open()
        for engine in [deadEngine, engine] { await engine.shutdown(grace: .seconds(1)) }

        #expect(record.status == .cancelled)
        let spans = SpanBuilder.spans(of: record)
        #expect(spans.faults == [])
        // Whether a process that died had sent what it had is not known.
        let sent = end == .died ? second.requests.flatMap(\.spans) : (first.requests + second.requests).flatMap(\.spans)
        #expect(ends(sent) == spans.map { "\($0.id.hex) \(otlpTime($0.end))" }.sorted())
        #expect(spans.lines.filter { $0.contains("interrupted") } == ["- > run interrupted", "run > send interrupted"])
        let resumptions = (0..<record.log.count).filter { record.log[$0].kind == .workflowResumed }
        #expect(resumptions.count == 1)
        let last = try #require(resumptions.first.map { record.log[$0 - 1].time })
        #expect(spans.filter { $0.statusText == " interrupted" }.allSatisfy { $0.end == last })
        #expect(spans.lines.contains("- > run cancelled"))
        let closing = spans.filter { $0.name.hasSuffix("/compensate") || $0.name.hasSuffix(".compensate") }
        #expect(closing.count == (way == .compensation ? 1 : 0))
        if end == .died { await deadExport.finish(within: .seconds(1)) }
        for journal in [dead, journal] { await journal.close() }
    }
}
