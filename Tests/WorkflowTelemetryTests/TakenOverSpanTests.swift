import FlatValue
import MemoryJournal
import Platform
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

/// What a process takes over from others.
@Suite("Spans that are taken over from processes that died") struct TakenOverSpanTests {
    private static let workflow = Result {
        try Workflow(id: "orders") { code in
            [.step("load", handler: code.inline { _, _ in 1 }), .step("send", handler: code.inline { _, _ in 2 })]
        }
    }

    private static func export(
        _ journal: MemoryJournal, _ server: FakeServer, _ variables: [String: String] = [:]
    ) throws -> TraceExport {
        let all = ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector"].merging(variables) { $1 }
        let settings = try #require(try ExportSettings(otlp: nil) { all[$0] })
        return TraceExport(settings, store: journal, http: server) { _ in }
    }

    /// What is sent by a process that has all the time it needs.
    private func recovered(_ store: MemoryStore) async throws -> [String] {
        let (server, journal) = (FakeServer(), MemoryJournal(store))
        let export = try Self.export(journal, server)
        await export.sendUnsent(FixedCatalog([try Self.workflow.get()]))
        await export.finish(within: .seconds(60))
        await journal.close()
        return Self.names(server)
    }

    private static func names(_ server: FakeServer) -> [String] {
        server.requests.flatMap(\.spans).compactMap { $0["name"]?.string }.sorted()
    }

    private struct EarlierClock: EngineClock {
        func now() -> Int64 { SystemClock().now() - 10_000_000 }
        func skip(to deadline: Int64) -> Bool { false }
    }

    private struct LaterClock: EngineClock {
        func now() -> Int64 { SystemClock().now() + 600_000_000 }
        func skip(to deadline: Int64) -> Bool { false }
    }

    @Test func `a stretch that ended before the process that took its run up began is sent by the next one`()
        async throws
    {
        let (store, gate) = (MemoryStore(), Gate())
        let workflow = try Workflow(id: "orders") { code in
            [
                .step("load", handler: code.inline { _, _ in 1 }),
                .step(
                    "send",
                    handler: code.async { value, _ in
                        _ = await gate.passed()
                        return value
                    }),
            ]
        }
        let (dead, server) = (MemoryJournal(store), FakeServer())
        let deadEngine = WorkflowEngine(workers: 1, clock: EarlierClock(), host: NoHostOperations(), journal: dead)
        let deadExport = try Self.export(dead, server, ["OTEL_BSP_SCHEDULE_DELAY": "1"])
        deadExport.follow(deadEngine)
        await deadExport.begin()
        try deadEngine.createRun(workflow, id: "run-1").start(input: [:])
        while server.spanCount < 1 { try await Task.sleep(for: .milliseconds(2)) }

        let taker = MemoryJournal(store, clock: LaterClock())
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: taker)
        let export = try Self.export(taker, FakeServer(then: .silence))
        export.follow(engine)
        await export.begin()
        let run = try await engine.takeUp("run-1", of: [workflow])
        gate.open()
        let record = try await run.finished()

        let sent = try await recovered(store)
        let expected = SpanBuilder.spans(of: record).map(\.name).sorted()
        // The first span had been sent, long before.
        #expect(Self.names(server) == ["orders.step.load"])
        #expect((sent + ["orders.step.load"]).sorted() == expected)
        await export.finish(within: .milliseconds(10))
        await deadExport.finish(within: .milliseconds(10))
        for engine in [deadEngine, engine] { await engine.shutdown(grace: .seconds(1)) }
        for journal in [dead, taker] { await journal.close() }
    }
}
