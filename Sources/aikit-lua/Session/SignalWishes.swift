internal import Synchronization
internal import WorkflowEngine

/// What one thread hears of signals, and another one does about them.
final class SignalWishes: Sendable {
    private let inbox = Inbox<(signal: Int32, count: Int)>()
    private let state = Mutex(State())

    private struct State {
        var posted = 0
        var served = 0
        var isHeeding = false
        /// When the oldest one came that has not been served.
        var oldest: ContinuousClock.Instant?
    }

    /// Since when a wish waits for what follows from it to be possible; nil while none does.
    var oldest: ContinuousClock.Instant? { state.withLock { $0.oldest } }

    /// Something is done about a wish right now.
    var isHeeding: Bool { state.withLock { $0.isHeeding } }

    func post(_ signal: Int32, _ count: Int) {
        state.withLock { state in
            state.posted += 1
            if state.oldest == nil { state.oldest = .now }
        }
        inbox.post((signal, count))
    }

    /// Calls `body` for each wish, for ever. A wish is served once a task that begins after it has run.
    func heed(_ body: (_ signal: Int32, _ count: Int) -> Void) {
        var wishes: [(signal: Int32, count: Int)] = []
        while true {
            inbox.take(into: &wishes, waiting: nil)
            for wish in wishes {
                state.withLock { $0.isHeeding = true }
                body(wish.signal, wish.count)
                state.withLock { $0.isHeeding = false }
                Task.detached { self.serve() }
            }
            wishes.removeAll()
        }
    }

    private func serve() {
        state.withLock { state in
            state.served += 1
            state.oldest = state.served == state.posted ? nil : .now
        }
    }
}
