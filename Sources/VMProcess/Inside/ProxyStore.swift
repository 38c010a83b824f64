internal import FlatValue
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// The store of a VM process: what its runs record goes to the host, which keeps it, and messages to its runs come from there.
/// Looking at runs and taking them over is the host's alone.
final class ProxyStore: RunStore {
    private let line: HostLine
    private let isEager: Bool
    private let state = Mutex(State())

    private struct State {
        var lastBatch: Int64 = 0
        var pending: [Int64: Pending] = [:]
        var deliver: (@Sendable ([InboxMessage]) -> Void)?
        /// Messages that came before anybody watched.
        var early: [InboxMessage] = []
    }

    private struct Pending {
        let batch: JournalBatch
        let answer: @Sendable (JournalBatch, [JournalOutcome]) -> Void
    }

    /// - Parameter isEager: what has been sent counts as durable.
    init(_ line: HostLine, isEager: Bool) {
        self.line = line
        self.isEager = isEager
    }

    func submit(_ batch: JournalBatch, answer: @escaping @Sendable (JournalBatch, [JournalOutcome]) -> Void) {
        if isEager {
            // The host reads what was sent before the process died.
            send(batch, number: 0)
            for entry in batch.entries where entry.sequence == 0 && entry.run.ticket != nil {
                entry.run.isQueued = true
            }
            return answer(batch, Array(repeating: .durable, count: batch.entries.count))
        }
        let number = state.withLock { state in
            state.lastBatch += 1
            state.pending[state.lastBatch] = Pending(batch: batch, answer: answer)
            return state.lastBatch
        }
        send(batch, number: number)
    }

    private func send(_ batch: JournalBatch, number: Int64) {
        var (wire, body) = (WireBatch(batch, number: number), Array(batch.bytes.bytes))
        #if DEBUG
            (wire, body) = VMFault.forge(wire, body)
        #endif
        line.send(WireFrame(.batch, wire.header, body: body))
    }

    /// Takes the host's word on a batch.
    func settle(_ outcomes: WireOutcomes) {
        guard let pending = state.withLock({ $0.pending.removeValue(forKey: outcomes.number) }),
            pending.batch.entries.count == outcomes.outcomes.count
        else { return }
        for (index, entry) in pending.batch.entries.enumerated() {
            entry.run.rival = outcomes.rivals[index]
            if case .durable = outcomes.outcomes[index], entry.sequence == 0, entry.run.ticket != nil {
                entry.run.isQueued = true
            }
        }
        pending.answer(pending.batch, outcomes.outcomes)
    }

    // MARK: Messages

    func watchInbox(_ deliver: @escaping @Sendable ([InboxMessage]) -> Void) {
        let early = state.withLock { state in
            state.deliver = deliver
            defer { state.early = [] }
            return state.early
        }
        if !early.isEmpty { deliver(early) }
    }

    func deliver(_ message: InboxMessage) {
        let deliver = state.withLock { state in
            if state.deliver == nil { state.early.append(message) }
            return state.deliver
        }
        deliver?([message])
    }

    // MARK: What only the host does

    private static let elsewhere = JournalError(code: .elsewhere, message: "the store is in another process")

    var keepsQueue: Bool { true }
    var name: String { "the host" }
    func post(_ message: InboxMessage.Content, to run: String) async throws(JournalError) -> Int64? {
        throw Self.elsewhere
    }
    func answer(to message: Int64) async throws(JournalError) -> InboxAnswer? { throw Self.elsewhere }
    func withdraw(_ message: Int64) async throws(JournalError) -> Bool { throw Self.elsewhere }
    func answer(_ message: Int64, with answer: InboxAnswer) async throws(JournalError) { throw Self.elsewhere }
    func header(of run: String) async throws(JournalError) -> RunHeader? { throw Self.elsewhere }
    func load(_ run: String, after sequence: Int) async throws(JournalError) -> StoredRun? { throw Self.elsewhere }
    func list(_ filter: RunFilter) async throws(JournalError) -> [RunHeader] { throw Self.elsewhere }
    func nodes() async throws(JournalError) -> [StoreNode] { throw Self.elsewhere }
    func changeCount() async throws(JournalError) -> Int64 { throw Self.elsewhere }
    func claim(_ runs: [String]) async throws(JournalError) -> [Result<Claim, JournalError>] { throw Self.elsewhere }
    func release(_ runs: [JournaledRun]) async throws(JournalError) { throw Self.elsewhere }
    func rewrite(
        _ run: JournaledRun, _ rewriting: RunRewriting, appending batch: JournalBatch
    ) async throws(JournalError) { throw Self.elsewhere }
    func save(_ generation: ScriptGeneration) async throws(JournalError) { throw Self.elsewhere }
    func generation(_ hash: String) async throws(JournalError) -> ScriptGeneration? { throw Self.elsewhere }
    func prune(_ filter: PruneFilter) async throws(JournalError) -> PruneReport { throw Self.elsewhere }
    func delete(_ run: String) async throws(JournalError) -> Bool { throw Self.elsewhere }
    func checkWritable() async throws(JournalError) { throw Self.elsewhere }
    func statistics() async throws(JournalError) -> StoreStatistics { throw Self.elsewhere }
    func check() async throws(JournalError) -> [StoreProblem] { throw Self.elsewhere }
    func unreadable() async throws(JournalError) -> [StoreProblem] { throw Self.elsewhere }
    func scheduleMarks() async throws(JournalError) -> [ScheduleMark] { throw Self.elsewhere }
    func advance(
        _ workflow: String, _ schedule: String, to time: Int64, run: String?, timing: String?
    ) async throws(JournalError) {
        throw Self.elsewhere
    }
    func setBack(
        _ workflow: String, _ schedule: String, from time: Int64, to earlier: Int64
    ) async throws(JournalError) { throw Self.elsewhere }
    func pause(_ workflow: String, _ schedule: String, _ isPaused: Bool) async throws(JournalError) -> Bool {
        throw Self.elsewhere
    }
    func close() async {}
}
