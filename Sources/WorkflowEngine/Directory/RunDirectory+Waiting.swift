internal import FlatValue
internal import Synchronization
internal import WorkflowCore

extension RunDirectory {
    /// Waits until a run is over, or waits for a person or a signal; wherever it is driven, and whoever takes it over meanwhile.
    ///
    /// - Parameters:
    ///   - limit: how long at most. Nil waits as long as it takes.
    ///   - follows: a run that ends in favour of another one is waited for where it goes on.
    /// - Returns: the run, and whether it has settled. It has not when the time was over before, when the engine stops, or when
    ///   nobody has driven it for some time and it is not known whether anybody ever will.
    public func settled(
        _ id: String, within limit: Duration? = nil, following follows: Bool = false
    ) async throws -> (record: RunRecord, isSettled: Bool) {
        try await settled(id, nil, within: limit, following: follows)
    }

    /// The same for a run that has been started a moment ago.
    public func settled(
        _ started: StartedRun, within limit: Duration? = nil, following follows: Bool = false
    ) async throws -> (record: RunRecord, isSettled: Bool) {
        try await settled(started.id, started.run, within: limit, following: follows)
    }

    private func settled(
        _ id: String, _ run: WorkflowRun?, within limit: Duration?, following follows: Bool
    ) async throws -> (record: RunRecord, isSettled: Bool) {
        let end = limit.map { ContinuousClock.now + $0 }
        guard follows else { return try await settledAlone(id, run, until: end) }
        var (id, answer) = (id, try await settledAlone(id, run, until: end))
        while let next = answer.record.restartedAs, next != id {
            id = next
            answer = try await settledAlone(next, until: end)
        }
        return answer
    }

    /// A run once it is over, wherever it is driven, or the one that goes on in its place; one that nobody drives is taken up.
    func ended(_ id: String) async throws -> RunRecord {
        var id = id
        while true {
            switch try await open(id) {
            case .missing: throw RunFailure.missing(id)
            case .over:
                let record = try await record(of: id)
                guard let next = record.restartedAs else { return record }
                id = next
                continue
            case .live(let run):
                do {
                    _ = try await run.finished()
                    continue
                } catch let failure as RunFailure where failure.code != JournalError.engineStopped.code {}
            case .stored(let header):
                let isLeaving = live.leaving.load(ordering: .sequentiallyConsistent) > 0
                if !header.isHeld, !isLeaving, try await takeUp(header) != nil { continue }
            case .foreign: break
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// - Parameter run: the run, if this engine has begun it.
    private func settledAlone(
        _ id: String, _ run: WorkflowRun? = nil, until end: ContinuousClock.Instant?
    ) async throws -> (record: RunRecord, isSettled: Bool) {
        if let run {
            let left = end.map { max($0 - .now, .zero) }
            if let record = try await first(within: left, { try await self.settled(run) }) ?? nil {
                return (record, true)
            }
        }
        var idleSince: ContinuousClock.Instant?
        while true {
            try Task.checkCancellation()
            let left = end.map { max($0 - .now, .zero) }
            var isDriven = true
            switch try await open(id) {
            case .missing: throw RunFailure.missing(id)
            case .over: return (try await record(of: id), true)
            case .stored(let header) where header.isHeld: _ = try await first(within: left) { try await self.begun(id) }
            case .stored(let header):
                if let record = try await standing(header) { return (record, true) }
                isDriven = false
            case .live(let run):
                if let record = try await first(within: left, { try await self.settled(run) }) ?? nil {
                    return (record, true)
                }
            case .foreign(let run, _):
                let events = events
                if let record = try await first(within: left, { try await run.settled { !events.isClosed } }) ?? nil {
                    return (record, true)
                }
            }
            // Whoever drove it is gone, and somebody takes it up soon.
            let now = ContinuousClock.now
            idleSince = isDriven ? nil : idleSince ?? now
            let isIdle = end == nil && idleSince.map { now - $0 > Self.patience } ?? false
            if events.isClosed || isIdle || end.map({ $0 <= now }) ?? false {
                let record = try await record(of: id)
                return (record, record.status.isTerminal)
            }
            try await Task.sleep(for: min(.milliseconds(50), end.map { $0 - now } ?? .milliseconds(50)))
        }
    }

    /// How long a run that nobody drives is waited for where there is no other limit: longer than whoever looks for such runs
    /// takes to find it.
    private static let patience = Duration.seconds(15)

    /// A run that nobody drives, if it waits for a person or a signal; nil for one that could go on by itself.
    private func standing(_ header: RunHeader) async throws -> RunRecord? {
        if header.status == .running || header.status == .queued { return nil }
        guard let stored = try await store.load(header.id) else { throw RunFailure.missing(header.id) }
        var decoder = try stored.decoded(on: try await plan(of: stored.header))
        let stands = decoder.machine.isOver || decoder.machine.waitsOutside
        let (plan, trace, log) = (decoder.machine.plan, decoder.machine.trace, decoder.takeLog())
        let record = RunRecord(id: header.id, plan: plan, log: log, trace: trace, status: stored.header.status)
        return stands ? record : nil
    }

    /// Returns when a run does not wait in the queue any more, or the engine stops.
    private func begun(_ id: String) async throws {
        // Whoever lets it begin is most likely this engine, which is cheap to ask.
        var looks = 0
        while live.find(id) == nil, !events.isClosed {
            looks += 1
            if looks % 16 == 0, try await store.header(of: id)?.isHeld != true { return }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// The run as it settles; nil when it is taken away before.
    private func settled(_ run: WorkflowRun) async throws -> RunRecord? {
        do {
            return try await run.settled()
        } catch let failure as RunFailure
            where failure.isOfQueue || failure.code == RunFailure.Code.released
            || failure.code == RunFailure.Code.conflict
        {
            return nil
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
