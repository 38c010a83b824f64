internal import Synchronization

/// What becomes of pieces that were offered together; any thread.
final class Delivery: Sendable {
    enum Outcome: Sendable, Equatable {
        /// Each was sent, or refused for good.
        case sent
        /// One at least was neither.
        case failed
    }

    private let state = Mutex((waiting: 0, isFailed: false))

    /// Nil until something is known of each. To be asked once all have been offered.
    var outcome: Outcome? {
        state.withLock { $0.waiting > 0 ? nil : $0.isFailed ? .failed : .sent }
    }

    /// Whether one failed so far.
    var isFailed: Bool { state.withLock(\.isFailed) }

    /// One more was taken.
    func begin() { state.withLock { $0.waiting += 1 } }

    /// One that was taken has been sent or given up.
    ///
    /// - Parameter isSent: whether it was sent, or refused for good.
    func settle(isSent: Bool) {
        state.withLock { state in
            state.waiting -= 1
            if !isSent { state.isFailed = true }
        }
    }

    /// One was not taken.
    func fail() { state.withLock { $0.isFailed = true } }
}
