import FlatValue
import MemoryJournal
import Synchronization
import Testing
import WorkflowCore
import WorkflowEngine

@testable import WorkflowTelemetry

@Suite("Spans of processes that died") struct UnsentSpanTests {
    private func marks(_ entries: [(String, Int64, Int64)]) -> UnsentMarks {
        var marks = UnsentMarks()
        for (name, sentUntil, toldAt) in entries {
            guard let process = ExportProcess(name) else { continue }
            marks.set(process, UnsentMarks.Mark(sentUntil: sentUntil, toldAt: toldAt))
        }
        return marks
    }

    private func debt(_ times: ClosedRange<Int64>, _ run: String? = nil, _ entries: Int = 0) -> UnsentDebt {
        UnsentDebt(times: times, sent: run.map { UnsentDebt.Place(run: $0, entries: entries) })
    }

    // MARK: Marks

    @Test func `what more processes have left than marks are kept of is not forgotten`() throws {
        let own = try #require(ExportProcess("b/1/5"))
        let all = marks((1...150).map { ("a/\($0)/5", Int64($0) * 1000, Int64($0) * 1000 + 5) })
        let kept = UnsentMarks(all.value)
        #expect(kept.marks.count == 100)
        let gone = kept.gone(besides: own, at: 1_000_000) { _ in false }
        let debts = kept.debts(of: gone, at: 1_000_000)
        for time in (1...150).map({ Int64($0) * 1000 }) { #expect(debts.contains { $0.times.contains(time) }) }
    }

    @Test func `marks are what they were when they are read again`() throws {
        var all = marks([("a/1/5", 10, 20), ("b/2/5", 30, 40)])
        #expect(UnsentMarks(all.value) == all)
        let named = UnsentDebt(times: 5...6, endpoints: ["traces/otlp", "logs/otlp"], since: 2)
        let ended = UnsentMarks.Mark(
            sentUntil: nil, toldAt: 50, debts: [debt(1...2), debt(3...4, "run-1", 7), named],
            endpoints: ["traces/otlp"], aheadSince: 3)
        all.set(try #require(ExportProcess("c/3/5")), ended)
        #expect(UnsentMarks(all.value) == all)
        all.set(try #require(ExportProcess("c/3/5")), nil)
        var less = all
        less.set(try #require(ExportProcess("a/1/5")), nil)
        #expect(less == marks([("b/2/5", 30, 40)]))
    }

    @Test(
        arguments: [
            nil, .null, 7, "x", ["a": 1], [[]], [["process": "a/1/5"]],
            [["process": "a/1/5", "sentUntil": -1, "toldAt": 2]],
            [
                [
                    "process": "a/1/5", "toldAt": 2,
                    "debts": [["from": 3, "to": 2], ["from": -1, "to": 2], 7, ["to": 2]],
                ]
            ],
            [["process": "a/1/5", "sentUntil": 1, "toldAt": 9_223_372_036_854_775_807]],
            [["process": "a/x/5", "sentUntil": 1, "toldAt": 2]], [["process": "a/0/5", "sentUntil": 1, "toldAt": 2]],
            [["process": "a/99999999999/5", "sentUntil": 1, "toldAt": 2]],
            [["process": "//", "sentUntil": 1, "toldAt": 2]], [["process": "a", "sentUntil": "1", "toldAt": 2]],
        ] as [Value?]) func `what is no mark is nobody's`(value: Value?)
    {
        #expect(UnsentMarks(value) == UnsentMarks())
    }

    @Test func `who is gone is asked of the system, or told by silence`() throws {
        let own = try #require(ExportProcess("host/7/1"))
        let minute: Int64 = 60_000_000
        let all = marks([
            ("host/7/1", 0, 0), ("host/8/1", 0, 10 * minute), ("far/8/1", 0, 0), ("far/9/1", 0, 9 * minute),
        ])
        func gone(_ isAlive: Bool?) -> [String] {
            all.gone(besides: own, at: 10 * minute) { $0.name.hasPrefix("host") ? isAlive : nil }.map(\.name)
                .sorted()
        }
        #expect(gone(true) == ["far/8/1"])
        #expect(gone(false) == ["far/8/1", "host/8/1"])
        #expect(gone(nil) == ["far/8/1"])
        #expect(ExportProcess("other/8/1")?.isAlive(seenFrom: own) == nil)
        #expect(ExportProcess("host/7/0")?.isAlive(seenFrom: own) == false)
        // No process has the highest number.
        #expect(ExportProcess("host/2147483647/0")?.isAlive(seenFrom: own) == false)
    }

    @Test func `times that overlap are looked at once, unless something of them has been sent`() {
        let second: Int64 = 1_000_000
        let all = marks([("a/1/1", 10, 20 * second), ("b/1/1", 30 * second, 40 * second), ("c/1/1", 900 * second, 0)])
        let debts = all.debts(of: Set(all.marks.keys), at: 1000 * second)
        #expect(debts == [debt(10...160 * second), debt(900 * second...900 * second)])
        // Nobody writes later than now.
        #expect(all.debts(of: Set(all.marks.keys), at: 50 * second).first == debt(10...50 * second))
        #expect(
            UnsentDebt.merged([debt(5...9), debt(1...4, "a", 1), debt(3...6), debt(1...4, "a", 1)]) == [
                debt(1...4, "a", 1), debt(3...9),
            ])
        #expect(UnsentDebt.merged((0..<100).map { debt($0 * 10...$0 * 10 + 5, "a") }) == [debt(0...995)])
    }

    @Test func `marks are forgotten after a day, and only the newest are kept`() throws {
        var all = marks((1...300).map { ("a/\($0)/1", 0, Int64($0)) })
        #expect(UnsentMarks(all.value).marks.count == 100)
        #expect(UnsentMarks(all.value).marks.keys.contains(try #require(ExportProcess("a/300/1"))))
        all.forget(at: UnsentMarks.lifetime + 299)
        #expect(all.marks.count == 1)
        let old = UnsentMarks.Mark(sentUntil: nil, toldAt: UnsentMarks.lifetime, debts: [debt(1...2)])
        all.set(try #require(ExportProcess("b/1/1")), old)
        all.forget(at: UnsentMarks.lifetime + 3)
        #expect(!all.marks.keys.contains(try #require(ExportProcess("b/1/1"))))
    }

    @Test func `only those pay what a process has left who send to the same endpoints`() throws {
        let (dead, second) = (try #require(ExportProcess("a/1/1")), Int64(1_000_000))
        var all = UnsentMarks()
        let mark = UnsentMarks.Mark(
            sentUntil: 10 * second, toldAt: 20 * second, debts: [debt(1...2)], endpoints: ["traces/otlp", "logs/otlp"])
        all.set(dead, mark)
        all.settle(dead, with: ["traces/langfuse"], at: 20 * second)
        // Whose endpoints are not known is paid by anybody.
        let left = UnsentDebt(times: 10 * second...20 * second, endpoints: ["traces/otlp", "logs/otlp"])
        #expect(all.debts(of: [dead], at: 20 * second) == [left])
        all.settle(dead, with: ["traces/otlp", "traces/langfuse"], at: 20 * second)
        #expect(all.debts(of: [dead], at: 20 * second).map(\.endpoints) == [["logs/otlp"]])
        all.settle(dead, with: ["logs/otlp"], at: 20 * second)
        #expect(all == UnsentMarks())
    }

    @Test func `runs are looked for that a process changed whose clock is behind`() throws {
        let (ahead, own, minute) = (
            try #require(ExportProcess("a/1/1")), try #require(ExportProcess("b/1/1")), Int64(60_000_000)
        )
        var all = UnsentMarks()
        all.set(ahead, UnsentMarks.Mark(sentUntil: 100 * minute, toldAt: 101 * minute))
        all.noteAhead(of: 101 * minute, besides: own)
        all.noteAhead(of: 10 * minute, besides: ahead)
        #expect(all.marks[ahead]?.aheadSince == nil)
        all.noteAhead(of: 40 * minute, besides: own)
        all.noteAhead(of: 50 * minute, besides: own)
        let debts = all.debts(of: [ahead], at: 200 * minute)
        #expect(debts.map(\.times) == [100 * minute...103 * minute])
        #expect(debts.map(\.since) == [40 * minute - 5 * UnsentMarks.heartbeat / 2])
    }

    // MARK: Sending

    private static let workflow = Result {
        try Workflow(id: "orders") { code in
            [.step("load", handler: code.inline { _, _ in 1 }), .step("send", handler: code.inline { _, _ in 2 })]
        }
    }

    /// A run to its end in a store, whose spans are sent to a server, as long as there is time.
    private func run(_ id: String, _ store: MemoryStore, _ server: FakeServer) async throws {
        let journal = MemoryJournal(store)
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: journal)
        let settings = try #require(try ExportSettings(otlp: "http://collector") { _ in nil })
        let export = TraceExport(settings, store: journal, http: server) { _ in }
        export.follow(engine)
        await export.begin()
        _ = try await engine.createRun(try Self.workflow.get(), id: id).run()
        await export.finish(within: .milliseconds(300))
        await engine.shutdown(grace: .zero)
        await journal.close()
    }

    /// What another process sends of what is left.
    private func recovered(_ store: MemoryStore) async throws -> [String] {
        let (server, journal) = (FakeServer(), MemoryJournal(store))
        let settings = try #require(try ExportSettings(otlp: "http://collector") { _ in nil })
        let export = TraceExport(settings, store: journal, http: server) { Issue.record("\($0)") }
        await export.sendUnsent(FixedCatalog([try Self.workflow.get()]))
        await export.finish(within: .seconds(60))
        await journal.close()
        return server.requests.flatMap(\.spans).compactMap { $0["name"]?.string }.sorted()
    }

    @Test func `what a process could not send before its end the next one sends, once`() async throws {
        let store = MemoryStore()
        try await run("run-1", store, FakeServer(then: .silence))
        #expect(try await recovered(store) == ["orders", "orders.step.load", "orders.step.send"])
        #expect(try await recovered(store) == [])
    }

    @Test func `of a process that sent all nothing is sent again`() async throws {
        let (store, server) = (MemoryStore(), FakeServer())
        try await run("run-1", store, server)
        #expect(server.spanCount == 3)
        #expect(try await recovered(store) == [])
    }

    @Test func `runs of before the process are not sent with its own`() async throws {
        let store = MemoryStore()
        let journal = MemoryJournal(store)
        // The clock of these runs stands years before.
        let engine = WorkflowEngine(workers: 1, clock: TickingClock(), host: NoHostOperations(), journal: journal)
        _ = try await engine.createRun(try Self.workflow.get(), id: "old").run()
        await engine.shutdown(grace: .zero)
        try await run("new", store, FakeServer(then: .silence))
        #expect(try await recovered(store).count == 3)
        await journal.close()
    }
}
