internal import MemoryJournal
internal import WorkflowCore
internal import WorkflowEngine

/// One way in which a store breaks its contract.
enum StoreFault: CaseIterable {
    case forgetsEntries, hidesConflicts, reordersOutcomes, ignoresSequence, reversesLists, losesCounts, standsStill
    case reordersClaims, neverReleases, repeatsMessages, takesEverything, pretendsWithdrawal, ignoresRewriting
    case reordersFiles, neverPrunes, deletesAnything, forgetsSchedules, staysOpen, neverBegins, hidesPlaces
}

/// A store that is as it should be but for one fault.
final class FaultyStore: RunJournal, ForwardingStore {
    let inner: MemoryJournal
    private let fault: StoreFault

    init(_ inner: MemoryJournal, _ fault: StoreFault) {
        self.inner = inner
        self.fault = fault
    }

    func submit(_ batch: JournalBatch, answer: @escaping @Sendable (JournalBatch, [JournalOutcome]) -> Void) {
        let fault = fault
        if fault == .forgetsEntries {
            return answer(batch, Array(repeating: .durable, count: batch.entries.count))
        }
        inner.submit(batch) { batch, outcomes in
            switch fault {
            case .hidesConflicts: answer(batch, Array(repeating: .durable, count: outcomes.count))
            case .reordersOutcomes: answer(batch, Array(outcomes.dropFirst() + outcomes.prefix(1)))
            default: answer(batch, outcomes)
            }
        }
    }

    func load(_ run: String, after sequence: Int) async throws(JournalError) -> StoredRun? {
        try await inner.load(run, after: fault == .ignoresSequence ? 0 : sequence)
    }

    func list(_ filter: RunFilter) async throws(JournalError) -> [RunHeader] {
        let runs = try await inner.list(filter)
        return fault == .reversesLists ? runs.reversed() : runs
    }

    func counts(of workflow: String) async throws(JournalError) -> [RunMachine.Status: Int] {
        fault == .losesCounts ? [:] : try await inner.counts(of: workflow)
    }

    func counts() async throws(JournalError) -> [String: [RunMachine.Status: Int]] {
        fault == .losesCounts ? [:] : try await inner.counts()
    }

    func changeCount() async throws(JournalError) -> Int64 {
        fault == .standsStill ? 1 : try await inner.changeCount()
    }

    func claim(_ runs: [String]) async throws(JournalError) -> [Result<Claim, JournalError>] {
        let claims = try await inner.claim(runs)
        return fault == .reordersClaims ? claims.reversed() : claims
    }

    func release(_ runs: [JournaledRun]) async throws(JournalError) {
        if fault != .neverReleases { try await inner.release(runs) }
    }

    func watchInbox(_ deliver: @escaping @Sendable ([InboxMessage]) -> Void) {
        let times = fault == .repeatsMessages ? 2 : 1
        inner.watchInbox { messages in for _ in 0..<times { deliver(messages) } }
    }

    func answer(to message: Int64) async throws(JournalError) -> InboxAnswer? {
        fault == .takesEverything ? .taken : try await inner.answer(to: message)
    }

    func withdraw(_ message: Int64) async throws(JournalError) -> Bool {
        fault == .pretendsWithdrawal ? true : try await inner.withdraw(message)
    }

    func rewrite(_ run: JournaledRun, _ rewriting: RunRewriting, appending batch: JournalBatch)
        async throws(JournalError)
    {
        if fault != .ignoresRewriting { try await inner.rewrite(run, rewriting, appending: batch) }
    }

    func generation(_ hash: String) async throws(JournalError) -> ScriptGeneration? {
        guard var generation = try await inner.generation(hash) else { return nil }
        if fault == .reordersFiles { generation.files.reverse() }
        return generation
    }

    func prune(_ filter: PruneFilter) async throws(JournalError) -> PruneReport {
        var filter = filter
        if fault == .neverPrunes { filter.dryRun = true }
        return try await inner.prune(filter)
    }

    func delete(_ run: String) async throws(JournalError) -> Bool {
        fault == .deletesAnything ? true : try await inner.delete(run)
    }

    func advance(
        _ workflow: String, _ schedule: String, to time: Int64, run: String?, timing: String?
    ) async throws(JournalError) {
        if fault == .forgetsSchedules { return }
        try await inner.advance(workflow, schedule, to: time, run: run, timing: timing)
    }

    func admit(_ scope: QueueScope, limit: Int) async throws(JournalError) -> QueuePass {
        fault == .neverBegins ? QueuePass() : try await inner.admit(scope, limit: limit)
    }

    func places(of runs: [String]) async throws(JournalError) -> [String: QueuePlace] {
        fault == .hidesPlaces ? [:] : try await inner.places(of: runs)
    }

    func close() async { if fault != .staysOpen { await inner.close() } }
}
