internal import FlatValue
internal import MemoryJournal
import Platform
internal import Synchronization
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

/// A process as its store sees it: an engine that can die without a word.
private struct Host {
    let store: MemoryStore
    let clock = VirtualClock()

    /// Runs `body` with an engine of its own, which is gone afterwards as if its process had been killed.
    func process<Result>(_ body: (WorkflowEngine) async throws -> Result) async throws -> Result {
        let engine = WorkflowEngine(
            workers: 1, host: NoHostOperations(), journal: MemoryJournal(store, lease: 1_000_000, clock: clock))
        let result = try await body(engine)
        engine.shutdown()
        _ = clock.skip(to: clock.now() + 1_000_001)
        return result
    }
}

/// What a step's handler has been called with, and what lets it go on.
private final class Calls: Sendable {
    private let keys = Mutex<[String]>([])
    let gates: [String: Gate]

    init(_ runs: [String]) { gates = Dictionary(uniqueKeysWithValues: runs.map { ($0, Gate()) }) }

    var all: [String] { keys.withLock { $0 } }

    func enter(_ context: StepContext) async {
        keys.withLock { $0.append(context.idempotencyKey) }
        await gates[context.runID]?.passed()
    }

    /// Waits until a handler has been called so often.
    func reached(_ count: Int) async { while all.count < count { await Task.yield() } }
}

@Suite("Taking runs over")
struct TakingOverTests {
    private func workflow(_ calls: Calls, before: Counter = Counter()) throws -> Workflow {
        try Workflow(id: "job") { code in
            [
                .step(
                    "nothing",
                    handler: code.inline { _, _ in
                        before.increment()
                        return .null
                    }),
                .step(
                    "slow",
                    handler: code.async { _, context in
                        await calls.enter(context)
                        return Value(Int64(context.attempt))
                    }),
            ]
        }
    }

    @Test func `a step that ended with null is not run again, one that was under way is, with its key`() async throws {
        let host = Host(store: MemoryStore())
        let before = Counter()
        try await host.process { engine in
            let calls = Calls(["r"])
            try engine.createRun(workflow(calls, before: before), id: "r").start()
            await calls.reached(1)
            #expect(calls.all == ["r/slow#1"])
        }
        try await host.process { engine in
            let calls = Calls([])
            let workflow = try workflow(calls, before: before)
            let runs = Runs()
            let failures = try await engine.recover(load: { _ in workflow }, began: { runs.add($0) })
            #expect(failures.isEmpty)
            let run = try #require(runs.all.first)
            let record = try await run.finished()
            #expect(record.output == 1)
            #expect(calls.all == ["r/slow#1"])
            #expect(before.value == 1)
            let lines = await run.allEvents().lines
            #expect(lines.filter { $0 == "workflow:resumed" }.count == 1)
            #expect(lines.filter { $0 == "step:start nothing" }.count == 1)
        }
    }

    @Test func `a run that kills its process again and again ends alone`() async throws {
        let host = Host(store: MemoryStore())
        let ids = ["killer", "one", "two"]
        try await host.process { engine in
            let calls = Calls(ids)
            let workflow = try workflow(calls)
            for id in ids { try engine.createRun(workflow, id: id).start() }
            await calls.reached(3)
        }
        // The first death may have been anybody's: all go on at once.
        try await host.process { engine in
            let calls = Calls(ids)
            let workflow = try workflow(calls)
            _ = try await engine.recover(load: { _ in workflow }, began: { _ in })
            await calls.reached(3)
        }
        // After the second each goes on by itself, the oldest first, and from then on a death counts.
        for _ in 0..<3 {
            try await host.process { engine in
                let calls = Calls(ids)
                let workflow = try workflow(calls)
                let recovery = Task { try await engine.recover(load: { _ in workflow }, began: { _ in }) }
                await calls.reached(1)
                for _ in 0..<20 { await engine.turn() }
                #expect(calls.all == ["killer/slow#1"])
                recovery.cancel()
            }
        }
        try await host.process { engine in
            let calls = Calls([])
            let workflow = try workflow(calls)
            let runs = Runs()
            _ = try await engine.recover(load: { _ in workflow }, began: { runs.add($0) })
            var ends: [String: String] = [:]
            for run in runs.all { ends[run.id] = try await run.finished().errorCode ?? "success" }
            #expect(ends == ["killer": "poisoned", "one": "success", "two": "success"])
        }
    }

    @Test func `a run that was given back did not die`() async throws {
        let host = Host(store: MemoryStore())
        for _ in 0..<5 {
            try await host.process { engine in
                let calls = Calls(["r"])
                let workflow = try workflow(calls)
                let runs = Runs()
                _ = try await engine.recover(load: { _ in workflow }, began: { runs.add($0) })
                let run = runs.all.first ?? engine.createRun(workflow, id: "r")
                if runs.all.isEmpty { try run.start() }
                await calls.reached(1)
                try await run.release(within: .zero)
            }
        }
        try await host.process { engine in
            let workflow = try workflow(Calls([]))
            let runs = Runs()
            _ = try await engine.recover(load: { _ in workflow }, began: { runs.add($0) })
            #expect(try await runs.all.first?.finished().output == 1)
        }
    }

    @Test func `a message that came while nobody drove the run is taken with the run`() async throws {
        let host = Host(store: MemoryStore())
        let form = try Workflow(id: "form") { _ in [.human("ask")] }
        let first = WorkflowEngine(
            workers: 1, host: NoHostOperations(), journal: MemoryJournal(host.store, clock: host.clock))
        _ = try await first.createRun(form, id: "r").run()
        first.shutdown()
        await first.journal?.close()
        let sender = MemoryJournal(host.store, clock: host.clock)
        let message = try await sender.post(InboxMessage.Content(kind: .reply, target: "ask", payload: 42), to: "r")
        let late = try await sender.post(InboxMessage.Content(kind: .reply, target: "ask", payload: 43), to: "r")
        try await host.process { engine in
            let claim = try await engine.journal?.claim("r")
            guard case .claimed(let claimed) = claim else {
                Issue.record("the run cannot be claimed")
                return
            }
            let run = try await engine.takeUp(claimed) { _ in form }
            #expect(try await run.finished().output == 42)
        }
        #expect(try await sender.answer(to: #require(message)) == .taken)
        #expect(try await sender.answer(to: #require(late)) != .taken)
    }

    @Test func `an engine that keeps no runs takes none up`() async throws {
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: nil)
        defer { engine.shutdown() }
        let failure = await #expect(throws: RunFailure.self) { try await engine.takeUp("r", of: []) }
        #expect(failure?.code == RunFailure.Code.noStore)
    }

    @Test func `a cancel from another process ends a run that this one drives`() async throws {
        let store = MemoryStore()
        let calls = Calls(["r"])
        let workflow = try workflow(calls)
        let engine = WorkflowEngine(
            workers: 1, host: NoHostOperations(), journal: MemoryJournal(store, lease: 3_600_000_000))
        defer { engine.shutdown() }
        let run = engine.createRun(workflow, id: "r")
        try run.start()
        await calls.reached(1)
        let sender = MemoryJournal(store, lease: 3_600_000_000)
        let header = try #require(try await sender.header(of: "r"))
        let foreign = ForeignRun(header, plan: workflow.plan, store: sender)
        let delivery = try await foreign.cancel(reason: "enough")
        guard case .taken = delivery else {
            Issue.record("the message was not taken")
            return
        }
        #expect(try await run.finished().status == .cancelled)
        #expect(try await foreign.settled()?.status == .cancelled)
    }
}

/// The runs that an engine took over.
private final class Runs: Sendable {
    private let runs = Mutex<[WorkflowRun]>([])

    var all: [WorkflowRun] { runs.withLock { $0 } }

    func add(_ run: WorkflowRun) { runs.withLock { $0.append(run) } }
}
