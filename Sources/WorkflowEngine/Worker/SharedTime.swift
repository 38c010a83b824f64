internal import Synchronization

/// Lets a clock that jumps do so when no worker of the engine has anything to do: a clock is decided for the whole engine,
/// since a worker that has nothing to do knows nothing of the others.
final class SharedTime: Sendable {
    private let clock: any EngineClock
    private let state: Mutex<State>

    private struct State {
        var members: [Member]
    }

    /// What one worker has last said.
    private struct Member {
        weak var worker: Worker?
        /// It sleeps, or has ended, and waits for no answer from outside.
        var isIdle = false
        /// Its earliest timer, in microseconds of ``EngineClock/elapsed()``; nil for none.
        var next: Int64?
    }

    init(_ clock: any EngineClock, workers: Int) {
        self.clock = clock
        state = Mutex(State(members: Array(repeating: Member(), count: workers)))
    }

    func join(_ worker: Worker) { state.withLock { $0.members[worker.index].worker = worker } }

    /// Notes that a worker is about to sleep until its earliest timer, and moves the clock if all others sleep already.
    ///
    /// - Returns: whether the worker has something due now.
    func rests(_ worker: Worker, until next: Int64?) -> Bool {
        let (isDue, others) = state.withLock { state -> (Bool, [Worker]) in
            state.members[worker.index].isIdle = true
            state.members[worker.index].next = next
            guard state.members.allSatisfy({ $0.isIdle && $0.worker?.hasMessages != true }),
                let earliest = state.members.lazy.compactMap(\.next).min(), clock.skip(to: earliest)
            else { return (false, []) }
            let now = clock.elapsed()
            var others: [Worker] = []
            var isDue = false
            for index in state.members.indices {
                guard let next = state.members[index].next, next <= now else { continue }
                state.members[index].isIdle = false
                if index == worker.index {
                    isDue = true
                } else if let other = state.members[index].worker {
                    others.append(other)
                }
            }
            return (isDue, others)
        }
        for other in others { other.perform { _ in } }
        return isDue
    }

    /// Notes that a worker works.
    func works(_ worker: Worker) { state.withLock { $0.members[worker.index].isIdle = false } }

    /// Notes that a worker has ended.
    func left(_ worker: Worker) {
        state.withLock { state in
            state.members[worker.index].isIdle = true
            state.members[worker.index].next = nil
        }
    }
}
