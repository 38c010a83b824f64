internal import FlatValue
internal import MemoryJournal
import Platform
internal import Synchronization
internal import Testing
internal import WorkflowCore
internal import WorkflowEngine

/// A store that is told to take what is written only once runs are given back.
private final class LateStore: RunJournal, ForwardingStore {
    let inner = MemoryJournal()
    /// Opens when something is written that is not taken.
    let entered = Gate()
    private let state = Mutex(State())

    private struct State {
        var isHolding = false
        var held: [@Sendable (Gate) -> Void] = []
    }

    func hold() { state.withLock { $0.isHolding = true } }

    func submit(_ batch: JournalBatch, answer: @escaping @Sendable (JournalBatch, [JournalOutcome]) -> Void) {
        let isHeld = state.withLock { state in
            guard state.isHolding else { return false }
            state.held.append { [inner] done in
                inner.submit(batch) { batch, outcomes in
                    answer(batch, outcomes)
                    done.open()
                }
            }
            return true
        }
        guard isHeld else { return inner.submit(batch, answer: answer) }
        entered.open()
    }

    func release(_ runs: [JournaledRun]) async throws(JournalError) {
        try await inner.release(runs)
        let held = state.withLock { state in
            state.isHolding = false
            defer { state.held = [] }
            return state.held
        }
        for body in held {
            let done = Gate()
            body(done)
            await done.passed()
        }
    }
}

@Suite("Giving runs back")
struct GivingBackTests {
    @Test func `what a run writes while it is given back does not count, and is no other process's doing`() async throws
    {
        let store = LateStore()
        let engine = WorkflowEngine(workers: 1, host: NoHostOperations(), journal: store)
        defer { engine.shutdown() }
        let workflow = try Workflow(id: "w") { _ in [.waitFor("one", event: "go"), .waitFor("two", event: "go")] }
        let run = engine.createRun(workflow, id: "r")
        try run.start(input: 0)
        _ = try await run.settled()
        let before = try await store.header(of: "r")?.sequence
        store.hold()
        let signal = Task { try await run.signal("go") }
        await store.entered.passed()
        #expect(try await run.release(within: .zero))
        let failure = await #expect(throws: RunFailure.self) { try await signal.value }
        #expect(failure?.code == RunFailure.Code.released)
        let header = try await store.header(of: "r")
        #expect(header?.owner == nil && header?.sequence == before)
    }
}
