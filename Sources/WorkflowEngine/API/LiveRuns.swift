internal import Synchronization

/// The runs of an engine that are not over, by id: there the messages find them that other processes leave in the store.
final class LiveRuns: Sendable {
    let store: any RunStore
    private let state = Mutex(State())

    private struct State {
        var runs: [String: Weak] = [:]
        /// Messages to runs that were claimed a moment ago and are still being built.
        var early: [String: [InboxMessage]] = [:]
        var isWatching = false
    }

    private struct Weak {
        weak var run: WorkflowRun?
    }

    init(_ store: any RunStore) { self.store = store }

    /// Has messages for a run delivered to it from now on, and those that came while it was being built.
    func add(_ run: WorkflowRun) {
        let (early, isFirst) = state.withLock { state in
            state.runs[run.id] = Weak(run: run)
            defer { state.isWatching = true }
            return (state.early.removeValue(forKey: run.id) ?? [], !state.isWatching)
        }
        // A store that nothing is written to is not opened for this.
        if isFirst { store.watchInbox { [self] in deliver($0) } }
        for message in early { run.take(message) }
    }

    func remove(_ run: WorkflowRun) {
        state.withLock { state in
            if let known = state.runs[run.id], known.run == nil || known.run === run { state.runs[run.id] = nil }
        }
    }

    private func deliver(_ messages: [InboxMessage]) {
        for message in messages {
            let run = state.withLock { state in
                let run = state.runs[message.run]?.run
                if run == nil { state.early[message.run, default: []].append(message) }
                return run
            }
            run?.take(message)
        }
    }
}
