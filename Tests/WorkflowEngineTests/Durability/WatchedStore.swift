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
    }

    init(_ inner: MemoryJournal = MemoryJournal()) { self.inner = inner }

    var entries: [Int] { state.withLock { $0.entries } }
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
extension WatchedStore: RunReading, RunOwning, RunInbox, GenerationStore, StoreUpkeep {
    func header(of run: String) async throws(JournalError) -> RunHeader? { try await inner.header(of: run) }
    func load(_ run: String, after sequence: Int) async throws(JournalError) -> StoredRun? {
        try await inner.load(run, after: sequence)
    }
    func list(_ filter: RunFilter) async throws(JournalError) -> [RunHeader] { try await inner.list(filter) }
    func changeCount() async throws(JournalError) -> Int64 { try await inner.changeCount() }
    func claim(_ runs: [String]) async throws(JournalError) -> [Claim] { try await inner.claim(runs) }
    func release(_ runs: [JournaledRun]) async throws(JournalError) { try await inner.release(runs) }
    func post(_ message: InboxMessage.Content, to run: String) async throws(JournalError) -> Int64? {
        try await inner.post(message, to: run)
    }
    func answer(to message: Int64) async throws(JournalError) -> InboxAnswer? { try await inner.answer(to: message) }
    func withdraw(_ message: Int64) async throws(JournalError) -> Bool { try await inner.withdraw(message) }
    func watchInbox(_ deliver: @escaping @Sendable ([InboxMessage]) -> Void) { inner.watchInbox(deliver) }
    func answer(_ message: Int64, with answer: InboxAnswer) async throws(JournalError) {
        try await inner.answer(message, with: answer)
    }
    func save(_ generation: ScriptGeneration) async throws(JournalError) { try await inner.save(generation) }
    func generation(_ hash: String) async throws(JournalError) -> ScriptGeneration? {
        try await inner.generation(hash)
    }
    func prune(_ filter: PruneFilter) async throws(JournalError) -> PruneReport { try await inner.prune(filter) }
    func delete(_ run: String) async throws(JournalError) -> Bool { try await inner.delete(run) }
    func statistics() async throws(JournalError) -> StoreStatistics { try await inner.statistics() }
    func check() async throws(JournalError) -> [String] { try await inner.check() }
    func close() async { await inner.close() }
}
