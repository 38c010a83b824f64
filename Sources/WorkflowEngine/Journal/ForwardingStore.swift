package import WorkflowCore

/// A store in front of another one: what it does not do itself goes to that one as it is.
package protocol ForwardingStore: RunReading, RunOwning, RunInbox, GenerationStore, StoreUpkeep, ScheduleStore {
    associatedtype Inner: RunStore
    var inner: Inner { get }
}

extension ForwardingStore {
    package func header(of run: String) async throws(JournalError) -> RunHeader? { try await inner.header(of: run) }

    package func load(_ run: String, after sequence: Int) async throws(JournalError) -> StoredRun? {
        try await inner.load(run, after: sequence)
    }

    package func list(_ filter: RunFilter) async throws(JournalError) -> [RunHeader] { try await inner.list(filter) }
    package func counts(of workflow: String) async throws(JournalError) -> [RunMachine.Status: Int] {
        try await inner.counts(of: workflow)
    }
    package func counts() async throws(JournalError) -> [String: [RunMachine.Status: Int]] {
        try await inner.counts()
    }
    package func nodes() async throws(JournalError) -> [StoreNode] { try await inner.nodes() }
    package func changeCount() async throws(JournalError) -> Int64 { try await inner.changeCount() }
    package func claim(_ runs: [String]) async throws(JournalError) -> [Result<Claim, JournalError>] {
        try await inner.claim(runs)
    }
    package func release(_ runs: [JournaledRun]) async throws(JournalError) { try await inner.release(runs) }

    package func rewrite(_ run: JournaledRun, _ rewriting: RunRewriting, appending batch: JournalBatch)
        async throws(JournalError)
    {
        try await inner.rewrite(run, rewriting, appending: batch)
    }

    package func post(_ message: InboxMessage.Content, to run: String) async throws(JournalError) -> Int64? {
        try await inner.post(message, to: run)
    }

    package func answer(to message: Int64) async throws(JournalError) -> InboxAnswer? {
        try await inner.answer(to: message)
    }
    package func withdraw(_ message: Int64) async throws(JournalError) -> Bool { try await inner.withdraw(message) }
    package func watchInbox(_ deliver: @escaping @Sendable ([InboxMessage]) -> Void) { inner.watchInbox(deliver) }

    package func answer(_ message: Int64, with answer: InboxAnswer) async throws(JournalError) {
        try await inner.answer(message, with: answer)
    }

    package func save(_ generation: ScriptGeneration) async throws(JournalError) { try await inner.save(generation) }

    package func generation(_ hash: String) async throws(JournalError) -> ScriptGeneration? {
        try await inner.generation(hash)
    }

    package func prune(_ filter: PruneFilter) async throws(JournalError) -> PruneReport {
        try await inner.prune(filter)
    }
    package func delete(_ run: String) async throws(JournalError) -> Bool { try await inner.delete(run) }
    package func checkWritable() async throws(JournalError) { try await inner.checkWritable() }
    package func statistics() async throws(JournalError) -> StoreStatistics { try await inner.statistics() }
    package func check() async throws(JournalError) -> [StoreProblem] { try await inner.check() }
    package func unreadable() async throws(JournalError) -> [StoreProblem] { try await inner.unreadable() }
    package var name: String { inner.name }
    package func close() async { await inner.close() }

    package var keepsQueue: Bool { inner.keepsQueue }

    package func admit(_ scope: QueueScope, limit: Int) async throws(JournalError) -> QueuePass {
        try await inner.admit(scope, limit: limit)
    }

    package func places(of runs: [String]) async throws(JournalError) -> [String: QueuePlace] {
        try await inner.places(of: runs)
    }

    package func queueFigures() async throws(JournalError) -> QueueFigures {
        try await inner.queueFigures()
    }

    package func note(_ changes: WaitChanges) async throws(JournalError) { try await inner.note(changes) }

    package func awaited(by waiters: [String]) async throws(JournalError) -> [String: Set<String>] {
        try await inner.awaited(by: waiters)
    }

    package func holdups(of runs: [String]) async throws(JournalError) -> [String: QueueHoldup] {
        try await inner.holdups(of: runs)
    }

    package func scheduleMarks() async throws(JournalError) -> [ScheduleMark] { try await inner.scheduleMarks() }

    package func advance(
        _ workflow: String, _ schedule: String, to time: Int64, run: String?, timing: String?
    ) async throws(JournalError) {
        try await inner.advance(workflow, schedule, to: time, run: run, timing: timing)
    }

    package func setBack(
        _ workflow: String, _ schedule: String, from time: Int64, to earlier: Int64
    ) async throws(JournalError) {
        try await inner.setBack(workflow, schedule, from: time, to: earlier)
    }

    package func pause(_ workflow: String, _ schedule: String, _ isPaused: Bool) async throws(JournalError) -> Bool {
        try await inner.pause(workflow, schedule, isPaused)
    }
}
