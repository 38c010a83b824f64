internal import FlatValue
internal import Synchronization
internal import WorkflowCore

/// The runs of an engine that are not over, by id: there the messages find them that other processes leave in the
/// store.
final class LiveRuns: Sendable {
    let store: any RunStore
    let hub: EventHub
    let bell = QueueBell()
    let turns = RequestTurns()
    let chains: ChainStops
    let waits: WaitLedger
    /// How many are giving all runs back: none is taken up meanwhile because another one waits for it.
    let leaving = Atomic<Int>(0)
    private let state = Mutex(State())

    private struct State {
        var runs: [String: Weak] = [:]
        /// Messages to runs that were claimed a moment ago and are still being built.
        var early: [String: [InboxMessage]] = [:]
        var isWatching = false
        weak var engine: WorkflowEngine?
    }

    private struct Weak {
        weak var run: WorkflowRun?
    }

    init(_ store: any RunStore, _ chains: ChainStops) {
        self.store = store
        self.chains = chains
        waits = WaitLedger(store)
        hub = EventHub(store)
        hub.attach(self)
    }

    /// The engine whose runs these are; nil before it is made and once it is gone.
    var engine: WorkflowEngine? { state.withLock { $0.engine } }

    func belong(to engine: WorkflowEngine) { state.withLock { $0.engine = engine } }

    /// The run of an id that this engine drives.
    func find(_ id: String) -> WorkflowRun? {
        let run = state.withLock { $0.runs[id]?.run }
        return run?.id.hasSameBytes(as: id) == true ? run : nil
    }

    /// All runs that this engine drives.
    var all: [WorkflowRun] { state.withLock { $0.runs.values.compactMap(\.run) } }

    /// Has messages for a run delivered to it from now on, and those that came while it was being built.
    ///
    /// - Returns: false when another run of that id is under way, which keeps its messages.
    @discardableResult
    func add(_ run: WorkflowRun) -> Bool {
        let (early, isFirst, isOther) = state.withLock { state -> ([InboxMessage], Bool, Bool) in
            if let known = state.runs[run.id]?.run, known !== run { return ([], false, true) }
            state.runs[run.id] = Weak(run: run)
            defer { state.isWatching = true }
            return (state.early.removeValue(forKey: run.id) ?? [], !state.isWatching, false)
        }
        if isOther { return false }
        // A store that nothing is written to is not opened for this.
        if isFirst { store.watchInbox { [self] in deliver($0) } }
        for message in early { run.take(message) }
        return true
    }

    /// A run that has been claimed is about to be built anew: whatever had its id here has given it back, and gets no more of its
    /// messages. They are kept for the one that is added.
    func giveWay(_ id: String) {
        state.withLock { state in
            guard state.isWatching else { return }
            state.runs[id] = nil
        }
    }

    /// A run waits in the store's queue, driven here or left to the store.
    func queued(_ run: String, isLeft: Bool) {
        if !isLeft { bell.drives(run) }
        bell.ring()
        QueueTending.begin(self)
    }

    /// Cancels a run wherever it is driven; one that nobody drives is cancelled by whoever takes it up.
    func cancel(_ id: String, reason: String) async throws(JournalError) {
        if let run = find(id) { return run.cancel(reason: reason) }
        _ = try await store.post(.init(.cancel(reason: reason)), to: id)
    }

    func remove(_ run: WorkflowRun) {
        let isLast = state.withLock { state in
            guard let known = state.runs[run.id] else { return true }
            guard known.run == nil || known.run === run else { return false }
            state.runs[run.id] = nil
            return true
        }
        if isLast { bell.forget(run.id) }
    }

    private func deliver(_ messages: [InboxMessage]) {
        for message in messages {
            if case .cancelChain(let reason) = message.content.request {
                cancelChain(message, reason)
                continue
            }
            let run = state.withLock { state in
                let run = state.runs[message.run]?.run
                if run == nil { state.early[message.run, default: []].append(message) }
                return run
            }
            run?.take(message)
        }
    }

    /// Has a chain end if this engine drives it: its newest run takes the message, and what is begun in its place from now on is
    /// cancelled at its beginning.
    private func cancelChain(_ message: InboxMessage, _ reason: String) {
        let (base, first) = RunChain.split(message.run)
        let newest = all.compactMap { run -> (run: WorkflowRun, number: Int)? in
            let (other, number) = RunChain.split(run.id)
            return other == base && number >= first ? (run: run, number: number) : nil
        }.max { $0.number < $1.number }
        guard let newest else { return }
        chains.add(base, reason: reason)
        newest.run.take(message)
        // It may have ended before the chain was noted.
        if let record = newest.run.settledRecord, record.status.isTerminal { chains.ended(record) }
    }
}
