internal import Synchronization

/// Lets at most so many tasks at a time do what takes a processor for a while, in the order in which they came. Any thread.
///
/// Whoever waits holds no thread. A turn is to be short, since a cancel does not end the wait for it.
package final class TurnLimit: Sendable {
    private let state: Mutex<State>

    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
        /// How many of those in front have had their turn.
        var served = 0
    }

    /// - Parameter limit: how many turns there are; at least one.
    package init(_ limit: Int) { state = Mutex(State(free: max(limit, 1))) }

    /// Waits for a turn, which lasts until ``leave()``.
    package func enter() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                if state.free > 0 {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    /// Gives the turn to whoever waits longest.
    package func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.served < state.waiting.count else {
                state.free += 1
                return nil
            }
            let next = state.waiting[state.served]
            state.served += 1
            if state.served == state.waiting.count {
                (state.waiting, state.served) = ([], 0)
            } else if state.served >= 64, state.served * 2 > state.waiting.count {
                state.waiting.removeFirst(state.served)
                state.served = 0
            }
            return next
        }
        next?.resume()
    }
}
