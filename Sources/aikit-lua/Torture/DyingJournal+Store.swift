internal import SQLiteJournal
internal import WorkflowEngine

/// Everything but writing goes to the store as it is.
extension DyingJournal: RunReading, RunOwning, RunInbox, GenerationStore, StoreUpkeep {
    func header(of run: String) async throws(JournalError) -> RunHeader? { try await journal.header(of: run) }

    func load(_ run: String, after sequence: Int) async throws(JournalError) -> StoredRun? {
        try await journal.load(run, after: sequence)
    }

    func list(_ filter: RunFilter) async throws(JournalError) -> [RunHeader] { try await journal.list(filter) }
    func changeCount() async throws(JournalError) -> Int64 { try await journal.changeCount() }
    func claim(_ runs: [String]) async throws(JournalError) -> [Claim] { try await journal.claim(runs) }
    func release(_ runs: [JournaledRun]) async throws(JournalError) { try await journal.release(runs) }

    func rewrite(_ run: JournaledRun, events: [UInt8], generation: String) async throws(JournalError) {
        try await journal.rewrite(run, events: events, generation: generation)
    }

    func post(_ message: InboxMessage.Content, to run: String) async throws(JournalError) -> Int64? {
        try await journal.post(message, to: run)
    }

    func answer(to message: Int64) async throws(JournalError) -> InboxAnswer? { try await journal.answer(to: message) }
    func withdraw(_ message: Int64) async throws(JournalError) -> Bool { try await journal.withdraw(message) }
    func watchInbox(_ deliver: @escaping @Sendable ([InboxMessage]) -> Void) { journal.watchInbox(deliver) }

    func answer(_ message: Int64, with answer: InboxAnswer) async throws(JournalError) {
        try await journal.answer(message, with: answer)
    }

    func save(_ generation: ScriptGeneration) async throws(JournalError) { try await journal.save(generation) }

    func generation(_ hash: String) async throws(JournalError) -> ScriptGeneration? {
        try await journal.generation(hash)
    }

    func prune(_ filter: PruneFilter) async throws(JournalError) -> PruneReport { try await journal.prune(filter) }
    func delete(_ run: String) async throws(JournalError) -> Bool { try await journal.delete(run) }
    func statistics() async throws(JournalError) -> StoreStatistics { try await journal.statistics() }
    func check() async throws(JournalError) -> [String] { try await journal.check() }
    func close() async { await journal.close() }
}
