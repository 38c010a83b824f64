internal import Synchronization
internal import WorkflowCore

extension RunDirectory {
    /// Waits until a run is over, or waits for a person or a signal; wherever it is driven.
    ///
    /// - Parameter limit: how long at most; the run as it stands is given then. Nil waits as long as it takes.
    /// - Returns: the run, and whether it has settled.
    public func settled(
        _ id: String, within limit: Duration? = nil
    ) async throws -> (record: RunRecord, isSettled: Bool) {
        let end = limit.map { ContinuousClock.now + $0 }
        while true {
            let left = end.map { max($0 - .now, .zero) }
            let record: RunRecord?
            switch try await open(id) {
            case .missing: throw RunFailure.missing(id)
            case .stored(let header) where header.isHeld:
                let settled = try await first(within: left) {
                    try await self.begun(id)
                    return try await self.settled(id).record
                }
                record = settled
            case .stored(let header) where header.status == .running && limit != nil: record = nil
            case .over, .stored: return (try await self.record(of: id), true)
            case .live(let run): record = try await first(within: left) { try await self.settled(run) }
            case .foreign(let run, _): record = try await first(within: left) { try await run.settled() } ?? nil
            }
            if let record { return (record, true) }
            // Whoever drove it is gone, and somebody takes it up soon.
            if let end, end > .now {
                try await Task.sleep(for: min(.milliseconds(100), end - .now))
                continue
            }
            let stored = try await self.record(of: id)
            return (stored, stored.status.isTerminal || limit == nil)
        }
    }

    /// Returns when a run does not wait in the queue any more.
    private func begun(_ id: String) async throws {
        // Whoever lets it begin is most likely this engine, which is cheap to ask.
        var looks = 0
        while live.find(id) == nil {
            looks += 1
            if looks % 16 == 0, try await store.header(of: id)?.isHeld != true { return }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// The run as it settles; one that is taken away meanwhile, as the store has it.
    private func settled(_ run: WorkflowRun) async throws -> RunRecord {
        do {
            return try await run.settled()
        } catch let failure as RunFailure where failure.code == "released" || failure.code == "conflict" {
            return try await record(of: run.id)
        }
    }

    /// What `body` gives, or nil when it takes longer than `limit`; `body` is cancelled then, and not waited for.
    private func first<Result: Sendable>(
        within limit: Duration?, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result? {
        guard let limit else { return try await body() }
        let race = Race<Result>()
        let work = Task {
            do {
                race.end(.success(try await body()))
            } catch {
                race.end(.failure(error))
            }
        }
        let clock = Task {
            try? await Task.sleep(for: limit)
            race.end(.success(nil))
        }
        defer {
            work.cancel()
            clock.cancel()
        }
        return try await withTaskCancellationHandler {
            try await race.result()
        } onCancel: {
            race.end(.failure(CancellationError()))
        }
    }
}

/// The first of several results, for one task that waits.
private final class Race<Value: Sendable>: Sendable {
    private let state = Mutex(State())

    private struct State {
        var result: Result<Value?, any Error>?
        var waiter: CheckedContinuation<Value?, any Error>?
    }

    func end(_ result: Result<Value?, any Error>) {
        let waiter = state.withLock { state -> CheckedContinuation<Value?, any Error>? in
            guard state.result == nil else { return nil }
            state.result = result
            return state.waiter.take()
        }
        waiter?.resume(with: result)
    }

    func result() async throws -> Value? {
        try await withCheckedThrowingContinuation { continuation in
            let result = state.withLock { state in
                if state.result == nil { state.waiter = continuation }
                return state.result
            }
            if let result { continuation.resume(with: result) }
        }
    }
}
