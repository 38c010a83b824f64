import FlatValue
import MemoryJournal
import Platform
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

/// Runs that go on after a wait, or in another process, while their stretch does.
@Suite("Spans of runs that are taken up") struct TakeUpTests {
    /// A process that drives runs of a store and sends their spans.
    private struct Process {
        let server = FakeServer()
        let journal: MemoryJournal
        let engine: WorkflowEngine
        let export: TraceExport

        init(_ store: MemoryStore) async throws {
            journal = MemoryJournal(store)
            engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: journal)
            let variables = ["OTEL_BSP_SCHEDULE_DELAY": "1", "OTEL_METRICS_EXPORTER": "otlp"]
            let settings = try #require(try ExportSettings(otlp: "http://collector") { variables[$0] })
            export = TraceExport(settings, store: journal, http: server) { Issue.record("\($0)") }
            export.follow(engine)
            await export.begin()
        }

        /// Waits until so many spans have been sent.
        func sent(_ count: Int) async throws {
            while server.spanCount < count { try await Task.sleep(for: .milliseconds(2)) }
        }

        func end(_ opened: Gate? = nil) async {
            await export.finish(engine, within: .seconds(60))
            // What the engine still does is nobody's any more.
            opened?.open()
            await engine.shutdown(grace: .seconds(1))
            await journal.close()
        }

        /// How many spans of steps were counted.
        var counted: Int {
            let metrics = server.requests.last { $0.url.hasSuffix("/v1/metrics") }?.body["resourceMetrics"]
            return (metrics?[0]?["scopeMetrics"]?[0]?["metrics"]?.array ?? [])
                .filter { $0["name"] == "aikit.workflow.step.duration" }
                .flatMap { $0["histogram"]?["dataPoints"]?.array ?? [] }
                .reduce(0) { $0 + (Int($1["count"]?.string ?? "") ?? 0) }
        }
    }

    /// Waits for an event less long than what ends a stretch.
    private static func workflow(_ gate: Gate? = nil) throws -> Workflow {
        try Workflow(id: "orders", telemetry: true) { code in
            [
                .step("load", handler: code.inline { _, _ in 1 }),
                .waitFor("wait", event: "go", timeout: .seconds(50)),
                .step(
                    "send",
                    handler: code.async { value, _ in
                        if let gate { _ = await gate.passed() }
                        return value
                    }),
            ]
        }
    }

    private func ids(_ spans: [Value]) -> [String] { spans.compactMap { $0["spanId"]?.string }.sorted() }

    @Test func `a run that was left at a short wait has each span once`() async throws {
        let process = try await Process(MemoryStore())
        let run = process.engine.createRun(try Self.workflow(), id: "run-1")
        try run.start(input: [:])
        _ = try await run.settled()
        try await process.sent(1)
        try await run.signal("go")
        let record = try await run.finished()
        await process.end()
        let sent = process.server.requests.flatMap(\.spans)
        #expect(ids(sent) == SpanBuilder.spans(of: record).map(\.id.hex).sorted())
    }

    @Test func `what was sent before a run was let go is not sent again, and not counted again`() async throws {
        let store = MemoryStore()
        let workflow = try Self.workflow()
        let first = try await Process(store)
        let run = first.engine.createRun(workflow, id: "run-1")
        try run.start(input: [:])
        _ = try await run.settled()
        await first.end()
        let second = try await Process(store)
        let taken = try await second.engine.takeUp("run-1", of: [workflow])
        try await taken.signal("go")
        let record = try await taken.finished()
        await second.end()
        let sent = (first.server.requests + second.server.requests).flatMap(\.spans)
        #expect(ids(sent) == SpanBuilder.spans(of: record).map(\.id.hex).sorted())
        let steps = SpanBuilder.spans(of: record).filter { $0.role == .step }
        #expect(first.counted + second.counted == steps.count)
    }

    @Test func `nothing is recorded once the spans have been sent, so that none is missing`() async throws {
        let store = MemoryStore()
        let (first, gate) = (try await Process(store), Gate())
        let run = first.engine.createRun(try Self.workflow(gate), id: "run-1")
        try run.start(input: [:])
        _ = try await run.settled()
        try await run.signal("go")
        try await first.sent(2)
        // The step ends after the last span of the process has been sent.
        await first.end(gate)
        let second = try await Process(store)
        let workflow = try Self.workflow()
        let record = try await second.engine.takeUp("run-1", of: [workflow]).finished()
        await second.end()
        let spans = SpanBuilder.spans(of: record)
        let sent = (first.server.requests + second.server.requests).flatMap(\.spans)
        #expect(ids(sent) == spans.map(\.id.hex).sorted())
        #expect(spans.faults == [])
    }
}
