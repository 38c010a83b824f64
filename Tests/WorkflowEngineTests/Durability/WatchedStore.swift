internal import MemoryJournal
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// A store that counts what is written to it, and holds its answers back while it is told to.
final class WatchedStore: RunJournal {
    let inner: MemoryJournal
    private let state = Mutex(State())

    struct State {
        var isHolding = false
        var held: [@Sendable () -> Void] = []
        /// Bytes of each entry, events and arena together.
        var entries: [Int] = []
        var loads = 0
    }

    init(_ inner: MemoryJournal = MemoryJournal()) { self.inner = inner }

    var entries: [Int] { state.withLock { $0.entries } }
    /// How often the events of a run were read.
    var loads: Int { state.withLock { $0.loads } }
    var heldBatches: Int { state.withLock { $0.held.count } }

    /// From now on nothing that is written is acknowledged.
    func hold() { state.withLock { $0.isHolding = true } }

    /// Acknowledges what was held back, and what comes from now on.
    func letThrough() {
        let held = state.withLock { state in
            state.isHolding = false
            defer { state.held = [] }
            return state.held
        }
        for answer in held { answer() }
    }

    func load(_ run: String, after sequence: Int) async throws(JournalError) -> StoredRun? {
        state.withLock { $0.loads += 1 }
        return try await inner.load(run, after: sequence)
    }

    func submit(_ batch: JournalBatch, answer: @escaping @Sendable (JournalBatch, [JournalOutcome]) -> Void) {
        state.withLock { state in
            for entry in batch.entries { state.entries.append(entry.events.count + entry.arena.count) }
        }
        inner.submit(batch) { [self] batch, outcomes in
            let isHeld = state.withLock { state in
                if state.isHolding { state.held.append { answer(batch, outcomes) } }
                return state.isHolding
            }
            if !isHeld { answer(batch, outcomes) }
        }
    }
}

/// Everything else goes straight to the store behind it.
extension WatchedStore: ForwardingStore {}
