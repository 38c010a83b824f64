internal import SQLiteJournal
internal import Synchronization
internal import WorkflowEngine

/// A journal whose process dies at a certain write: that one and all later ones are never taken and never answered.
final class DyingJournal: RunJournal, ForwardingStore {
    let inner: SQLiteJournal
    private let limit: Int
    private let state = Mutex(State())

    private struct State {
        var writes = 0
        var isDead = false
        var onDeath: (@Sendable () -> Void)?
    }

    /// - Parameter limit: how many writes are taken.
    init(_ journal: SQLiteJournal, limit: Int = .max) {
        inner = journal
        self.limit = limit
    }

    /// How many writes were taken.
    var writes: Int { state.withLock { $0.writes } }

    /// Calls `body` when the first write is refused, at once if one has been.
    func onDeath(_ body: @escaping @Sendable () -> Void) {
        let isDead = state.withLock { state in
            state.onDeath = body
            return state.isDead
        }
        if isDead { body() }
    }

    func submit(_ batch: JournalBatch, answer: @escaping @Sendable (JournalBatch, [JournalOutcome]) -> Void) {
        let (isTaken, tell) = state.withLock { state in
            if state.isDead { return (false, nil as (@Sendable () -> Void)?) }
            if state.writes + batch.entries.count > limit {
                state.isDead = true
                return (false, state.onDeath)
            }
            state.writes += batch.entries.count
            return (true, nil)
        }
        if isTaken { return inner.submit(batch, answer: answer) }
        tell?()
    }
}
