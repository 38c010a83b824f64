internal import Platform
internal import Synchronization

/// Tells whoever lets queued runs begin that it is worth a look, and which of them this engine drives.
final class QueueBell: Sendable {
    private let state = Mutex(State())

    private struct State {
        var gate = Gate()
        /// Runs that this engine drives while they wait.
        var driven: Set<String> = []
        /// How many look after them, such as a ``QueueService``.
        var services = 0
        var isTended = false
    }

    /// Opened by the next ring; to be taken before the look at the queue that may find nothing.
    var next: Gate { state.withLock(\.gate) }

    func ring() {
        state.withLock { state in
            defer { state.gate = Gate() }
            return state.gate
        }.open()
    }

    /// The runs that this engine drives while they wait.
    var driven: [String] { state.withLock { Array($0.driven) } }

    func drives(_ run: String) { state.withLock { _ = $0.driven.insert(run) } }

    func forget(_ run: String) { state.withLock { _ = $0.driven.remove(run) } }

    /// Somebody begins to look after the runs, or ends.
    func serve(_ begins: Bool) { state.withLock { $0.services += begins ? 1 : -1 } }

    /// Whether the caller is the one to look after the runs that wait here; it goes on until this gives false.
    func beginsTending() -> Bool {
        state.withLock { state in
            guard state.services == 0, !state.isTended, !state.driven.isEmpty else { return false }
            state.isTended = true
            return true
        }
    }

    /// Whether whoever looks after the runs that wait here has more to do.
    func goesOnTending() -> Bool {
        state.withLock { state in
            state.isTended = state.services == 0 && !state.driven.isEmpty
            return state.isTended
        }
    }
}
