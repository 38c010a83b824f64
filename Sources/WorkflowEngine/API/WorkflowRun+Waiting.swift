internal import Synchronization
internal import WorkflowCore

extension WorkflowRun {
    /// Waits until the run is over, or waits for a person or a signal.
    ///
    /// - Throws: ``RunFailure`` when nothing more happens to the run here: it was refused, its store has failed, another process has
    ///   taken it over, or the engine has stopped; `CancellationError` when the task is cancelled, which leaves the run as it is.
    public func settled() async throws -> RunRecord { try await wait(untilOver: false) }

    /// Waits until the run is over; throws as ``settled()`` does.
    public func finished() async throws -> RunRecord { try await wait(untilOver: true) }

    /// Waits until the run is over, or waits for a person or a signal with more than `count` events recorded.
    package func settled(beyond count: Int) async throws -> RunRecord {
        try await wait(untilOver: false, beyond: count)
    }

    /// How the run stands; nil while it moves.
    package var standing: RunRecord? { state.withLock(\.latest) }

    /// - Parameter ends: whether cancelling the task cancels the run, which is then waited for, in place of the wait.
    func wait(untilOver: Bool, beyond count: Int = -1, ending ends: Bool = false) async throws -> RunRecord {
        let (latest, number) = state.withLock { state in
            state.nextWaiter += 1
            return (state.latest, state.nextWaiter)
        }
        if let latest, latest.isAwaited(untilOver: untilOver, beyond: count) { return latest }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let answer: Result<RunRecord, any Error>? = state.withLock { state in
                    let waiter = Waiter(number: number, untilOver: untilOver, beyond: count) {
                        continuation.resume(with: $0)
                    }
                    if let latest = state.latest, waiter.takes(latest) { return .success(latest) }
                    if let failure = state.failure { return .failure(failure) }
                    // A cancel that comes later finds the waiter.
                    if !ends, Task.isCancelled { return .failure(CancellationError()) }
                    state.waiters.append(waiter)
                    return nil
                }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            if ends { return cancelWithTask() }
            let waiter = state.withLock { state in
                state.waiters.firstIndex { $0.number == number }.map { state.waiters.remove(at: $0) }
            }
            waiter?.resume(.failure(CancellationError()))
        }
    }

    /// Calls `body` once, from any thread, when the run is over or waits for a person or a signal, or when nothing more happens to it.
    ///
    /// - Returns: what came of the run, where that is known already; `body` is not called then.
    func whenSettled(
        _ body: @escaping @Sendable (Result<RunRecord, any Error>) -> Void
    ) -> Result<RunRecord, any Error>? {
        state.withLock { state in
            if let latest = state.latest { return .success(latest) }
            if let failure = state.failure { return .failure(failure) }
            state.nextWaiter += 1
            state.waiters.append(
                Waiter(number: state.nextWaiter, untilOver: false, beyond: -1, resume: body))
            return nil
        }
    }
}
