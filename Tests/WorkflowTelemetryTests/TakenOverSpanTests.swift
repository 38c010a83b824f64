import FlatValue
import MemoryJournal
import Platform
import Synchronization
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

/// What a process takes over from others and cannot send either.
@Suite("Spans that are taken over from processes that died") struct TakenOverSpanTests {
    private static let workflow = Result {
        try Workflow(id: "orders") { code in
            [.step("load", handler: code.inline { _, _ in 1 }), .step("send", handler: code.inline { _, _ in 2 })]
        }
    }
    private static let names = ["orders", "orders.step.load", "orders.step.send"]

    private static func export(
        _ journal: MemoryJournal, _ server: FakeServer, _ variables: [String: String] = [:]
    ) throws -> TraceExport {
        let all = ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector"].merging(variables) { $1 }
        let settings = try #require(try ExportSettings(otlp: nil) { all[$0] })
        return TraceExport(settings, store: journal, http: server) { _ in }
    }

    /// Runs to their ends in a store, whose spans are sent to a server as long as there is time.
    private func run(
        _ ids: [String], _ store: MemoryStore, _ server: FakeServer, _ variables: [String: String] = [:]
    ) async throws {
        let journal = MemoryJournal(store)
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: journal)
        let export = try Self.export(journal, server, variables)
        export.follow(engine)
        await export.begin()
        for id in ids { _ = try await engine.createRun(try Self.workflow.get(), id: id).run() }
        await export.finish(within: .milliseconds(300))
        await engine.shutdown(grace: .zero)
        await journal.close()
    }

    /// Whether a process that takes over ends, or is killed.
    private enum End { case orderly, killed }

    /// Another process sends what is left, as long as there is time.
    private func recover(
        _ store: MemoryStore, _ server: FakeServer, _ variables: [String: String] = [:],
        end: End = .orderly
    ) async throws {
        let journal = MemoryJournal(store)
        let export = try Self.export(journal, server, variables)
        await export.sendUnsent(FixedCatalog([try Self.workflow.get()]))
        if end == .killed { return }
        await export.finish(within: .milliseconds(300))
        await journal.close()
    }

    /// What is sent by a process that has all the time it needs.
    private func recovered(_ store: MemoryStore, _ variables: [String: String] = [:]) async throws -> [String] {
        let (server, journal) = (FakeServer(), MemoryJournal(store))
        let export = try Self.export(journal, server, variables)
        await export.sendUnsent(FixedCatalog([try Self.workflow.get()]))
        await export.finish(within: .seconds(60))
        await journal.close()
        return Self.names(server)
    }

    private static func names(_ server: FakeServer) -> [String] {
        server.requests.flatMap(\.spans).compactMap { $0["name"]?.string }.sorted()
    }

    @Test(arguments: [FakeServer.Reply.silence, .unreachable, .status(503)])
    func `what one process had no time for the next one sends, however many had none`(reply: FakeServer.Reply)
        async throws
    {
        let store = MemoryStore()
        try await run(["run-1"], store, FakeServer(then: reply))
        for _ in 0..<3 { try await recover(store, FakeServer(then: reply)) }
        #expect(try await recovered(store) == Self.names)
        #expect(try await recovered(store) == [])
    }

    @Test func `what a process took over and was killed before it sent it the next one sends`() async throws {
        let store = MemoryStore()
        try await run(["run-1"], store, FakeServer(then: .silence))
        try await recover(store, FakeServer(then: .silence), end: .killed)
        #expect(try await recovered(store) == Self.names)
        #expect(try await recovered(store) == [])
    }

    @Test(arguments: [FakeServer.Reply.unreachable, .untrusted])
    func `what no try could send within its time is left to the next process`(reply: FakeServer.Reply) async throws {
        let (store, short) = (MemoryStore(), ["OTEL_BSP_EXPORT_TIMEOUT": "1"])
        try await run(["run-1"], store, FakeServer(then: reply), short)
        try await recover(store, FakeServer(then: reply), short)
        #expect(try await recovered(store) == Self.names)
        #expect(try await recovered(store) == [])
    }

    @Test func `what a server refuses for good is sent to nobody else`() async throws {
        let store = MemoryStore()
        try await run(["run-1"], store, FakeServer(then: .silence))
        try await recover(store, FakeServer(then: .status(400)))
        #expect(try await recovered(store) == [])
    }

    @Test func `a process that ends goes on where the one before had come to`() async throws {
        let (store, single) = (MemoryStore(), ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1"])
        try await run(["run-1", "run-2", "run-3"], store, FakeServer(then: .silence))
        let first = FakeServer([.status(200), .status(200), .status(200), .status(200)], then: .silence)
        try await recover(store, first, single)
        let rest = try await recovered(store)
        // The newest run comes first, and the one that lay in the request without an answer comes again.
        #expect(first.spanCount == 5)
        #expect(rest.count >= 5 && rest.count < 9)
        #expect((Self.names(first).prefix(5) + rest).count { $0 == "orders" } >= 3)
        #expect(try await recovered(store) == [])
    }

    @Test func `a queue with little room takes over all the same`() async throws {
        let (store, small) = (MemoryStore(), ["OTEL_BSP_MAX_QUEUE_SIZE": "2"])
        try await run((1...20).map { "run-\($0)" }, store, FakeServer(then: .silence))
        // On a machine that has other things to do the queue may stay full for so long that the rest is left to the next process.
        var count = 0
        for _ in 0..<20 where count < 60 { count += try await recovered(store, small).count }
        #expect(count >= 60)
        #expect(try await recovered(store) == [])
    }

    @Test func `an endpoint that takes all has it once, however often the other one is tried`() async throws {
        let two = [
            "OTEL_LOGS_EXPORTER": "none", "OTEL_BSP_SCHEDULE_DELAY": "1", "OTEL_BSP_EXPORT_TIMEOUT": "1",
            "LANGFUSE_PUBLIC_KEY": "p", "LANGFUSE_SECRET_KEY": "s", "LANGFUSE_BASE_URL": "http://langfuse",
        ]
        let store = MemoryStore()
        try await run(["run-1"], store, FakeServer(then: .silence), two)
        let (server, journal) = (FakeServer(unreachable: "langfuse"), MemoryJournal(store))
        let export = try Self.export(journal, server, two)
        for count in 1...3 {
            await export.sendUnsent(FixedCatalog([try Self.workflow.get()]))
            while server.requests.count(where: { $0.url.contains("langfuse") }) < count {
                try await Task.sleep(for: .milliseconds(2))
            }
            // Whoever looks next knows what has become of the request.
            while !export.isIdle { try await Task.sleep(for: .milliseconds(2)) }
        }
        await export.finish(within: .seconds(60))
        await journal.close()
        #expect(server.requests.filter { $0.url.contains("collector") }.flatMap(\.spans).count == 3)
        // Who sends to the other one alone leaves it as it is.
        #expect(try await recovered(store) == [])
        #expect(try await recovered(store, two) == Self.names)
        #expect(try await recovered(store, two) == [])
    }

    @Test func `who had time for its own spans leaves only those of others`() async throws {
        let store = MemoryStore()
        try await run(["run-1"], store, FakeServer(then: .silence))
        let journal = MemoryJournal(store)
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: journal)
        let server = FakeServer([.status(200)], then: .silence)
        let export = try Self.export(
            journal, server,
            ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "3"])
        export.follow(engine)
        await export.begin()
        _ = try await engine.createRun(try Self.workflow.get(), id: "run-2").run()
        while server.spanCount < 3 || !export.isIdle { try await Task.sleep(for: .milliseconds(2)) }
        await export.sendUnsent(FixedCatalog([try Self.workflow.get()]))
        await export.finish(within: .milliseconds(300))
        await engine.shutdown(grace: .zero)
        await journal.close()
        #expect(try await recovered(store) == Self.names)
    }

    @Test func `an endpoint that took what another one did not is not sent it again`() async throws {
        let two = [
            "OTEL_LOGS_EXPORTER": "none", "LANGFUSE_PUBLIC_KEY": "p", "LANGFUSE_SECRET_KEY": "s",
            "LANGFUSE_BASE_URL": "http://langfuse",
        ]
        let (store, server) = (MemoryStore(), FakeServer(unreachable: "langfuse"))
        try await run(["run-1"], store, server, two)
        #expect(server.requests.filter { $0.url.contains("collector") }.flatMap(\.spans).count == 3)
        // Only Langfuse lacks them.
        #expect(try await recovered(store) == [])
        #expect(try await recovered(store, two) == Self.names)
    }

    /// Takes all at once.
    private final class Taker: UnsentSink {
        private let names = Mutex<[String]>([])

        var taken: [String] { names.withLock { $0 }.sorted() }

        func found(_ record: RunRecord) {}
        func isWanted(_ trace: TraceID, caller: TraceParent?) -> Bool { true }
        func send(_ spans: [Span], to endpoint: Int) async -> Delivery {
            names.withLock { $0 += spans.map(\.name) }
            return Delivery()
        }
    }

    @Test func `what a process gave up and is over by now it sends again itself, once`() async throws {
        let journal = MemoryJournal(MemoryStore())
        let unsent = try #require(UnsentSpans(journal, endpoints: ["traces/otlp"]))
        await unsent.begin()
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: journal)
        let workflow = try Self.workflow.get()
        _ = try await engine.createRun(workflow, id: "run-1").run()
        let (before, after) = (Taker(), Taker())
        #expect(!unsent.note(nil, at: SystemClock().now()))
        await unsent.sendThoseOfOthers({ _ in workflow.plan }, to: before)
        #expect(before.taken == [])
        #expect(unsent.note(UnsentSpans.Counts(taken: 3, unsent: ["traces/otlp": 3]), at: SystemClock().now()))
        for _ in 0..<2 { await unsent.sendThoseOfOthers({ _ in workflow.plan }, to: after) }
        #expect(after.taken == Self.names)
        await unsent.finish(UnsentSpans.Counts(taken: 3, unsent: ["traces/otlp": 3]), isLast: true)
        await engine.shutdown(grace: .zero)
        #expect(try await unsent.read() == UnsentMarks())
        await journal.close()
    }

    // MARK: Runs that go on

    private struct EarlierClock: EngineClock {
        func now() -> Int64 { SystemClock().now() - 3_600_000_000 }
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

extension TraceExport {
    /// Whether something is known of all that the endpoints have taken.
    fileprivate var isIdle: Bool { exporters.allSatisfy { $0.counts.settled == $0.counts.taken } }
}
