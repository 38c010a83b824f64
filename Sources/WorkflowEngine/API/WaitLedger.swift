internal import Platform
internal import Synchronization
internal import WorkflowCore

/// Tells a store for which others the runs of an engine wait, a moment after they begin and end to.
///
/// What cannot be written now is written later, so that no wait stays noted which is over. Any thread.
final class WaitLedger: Sendable {
    private let store: any RunStore
    private let state = Mutex(State())

    private struct State {
        /// How many waits of each kind there are.
        var counts: [ChainWait: Int] = [:]
        var changes = WaitChanges()
        /// Those of which the store was told, or may have been.
        var noted: Set<ChainWait> = []
        var isWriting = false
    }

    private static let retryPause = Duration.milliseconds(250)

    init(_ store: any RunStore) { self.store = store }

    /// Has a wait noted while `body` goes on.
    ///
    /// - Parameter run: the run that waits.
    func noting<Result>(
        _ wait: ChainWait, of run: String, _ body: () async throws -> Result
    ) async rethrows -> Result {
        begin(wait, of: run)
        defer { end(wait) }
        return try await body()
    }

    private func begin(_ wait: ChainWait, of run: String) {
        state.withLock { state in
            state.counts[wait, default: 0] += 1
            state.changes.ended.remove(wait)
            state.changes.begun[wait] = run
        }
        write()
    }

    private func end(_ wait: ChainWait) {
        state.withLock { state in
            let left = (state.counts[wait] ?? 0) - 1
            state.counts[wait] = left > 0 ? left : nil
            guard left <= 0 else { return }
            state.changes.begun[wait] = nil
            if state.noted.contains(wait) { state.changes.ended.insert(wait) }
        }
        write()
    }

    /// Writes what is new, unless that is being done.
    private func write() {
        let begins = state.withLock { state in
            defer { state.isWriting = true }
            return !state.isWriting
        }
        guard begins else { return }
        Task {
            while let changes = next() {
                do throws(JournalError) {
                    try await store.note(changes)
                } catch {
                    // With a store that is closed its runs are nobody's.
                    if error.reason == .storeClosed { return }
                    putBack(changes)
                    try? await Task.sleep(for: Self.retryPause)
                }
            }
        }
    }

    private func next() -> WaitChanges? {
        state.withLock { state in
            defer { state.changes = WaitChanges() }
            state.isWriting = !state.changes.isEmpty
            state.noted.formUnion(state.changes.begun.keys)
            state.noted.subtract(state.changes.ended)
            return state.isWriting ? state.changes : nil
        }
    }

    /// What could not be written is new again, unless something newer is known of a wait.
    private func putBack(_ changes: WaitChanges) {
        state.withLock { state in
            for (wait, run) in changes.begun where state.counts[wait] != nil {
                state.changes.begun[wait] = state.changes.begun[wait] ?? run
            }
            for wait in changes.ended where state.changes.begun[wait] == nil { state.changes.ended.insert(wait) }
            state.noted.formUnion(changes.ended)
        }
    }
}
