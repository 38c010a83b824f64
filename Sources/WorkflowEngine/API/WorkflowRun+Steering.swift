public import FlatValue
internal import Synchronization
internal import WorkflowCore

extension WorkflowRun {
    /// Cancels a run that nothing keeps because nobody waits for it any more.
    func cancelWithTask() { cancel(reason: "the task that waited for the run was cancelled") }

    /// Asks the run to stop, whatever it does; it is `cancelled` when its code has left, which is at once.
    public func cancel(reason: String = "cancelled") {
        let run = state.withLock { state in
            if state.cancelReason == nil { state.cancelReason = reason }
            // Where the run stood before is not where it settles next.
            if state.latest?.status.isTerminal == false { state.latest = nil }
            return state.run
        }
        guard let run else { return }
        run.askToCancel(reason)
        worker.perform { worker in
            worker.cancel(run)
            worker.enqueue(run)
        }
        if !run.isEndDecided { run.executor.interrupter.interrupt(run.token) }
    }

    /// Answers a human step and waits until the run is over or waits again.
    ///
    /// - Parameters:
    ///   - path: the path or the id of the step; nil when only one step waits.
    /// - Throws: ``RunFailure`` when no step waits there or the answer does not fit its schema; the run then still
    ///   waits.
    public func resume(step path: String? = nil, data: Value) async throws -> RunRecord {
        try await deliver(.reply(at: path, data: data, by: nil, key: nil))
        return try await settled()
    }

    /// Gives the run a signal; a step that waits for it, now or later, takes it.
    ///
    /// - Throws: ``RunFailure`` when the run is over, has no step that waits for such an event, or the payload does
    ///   not fit the step's schema.
    public func signal(_ event: String, payload: Value = .null) async throws {
        try await signal(event, payload: payload, key: nil)
    }

    /// - Parameter key: by which a signal that is sent again is known.
    package func signal(_ event: String, payload: Value, key: RequestKey?) async throws {
        try await deliver(.signal(event, payload: payload, key: key))
    }

    /// Takes a message that another process left for the run; the store is told what became of it.
    func take(_ message: InboxMessage) {
        guard let run = state.withLock({ $0.run }) else { return }
        var cancels = false
        switch message.content.request {
        case .cancel(let reason), .cancelChain(let reason):
            cancels = true
            run.askToCancel(reason)
        case .begin: live?.bell.forget(id)
        case .reply, .signal: break
        }
        worker.perform { worker in
            worker.take(message, for: run)
            if run.mirror == nil { self.state.withLock { $0.latest = nil } }
            worker.enqueue(run)
        }
        if cancels, !run.isEndDecided { run.executor.interrupter.interrupt(run.token) }
    }

    /// Gives the run a message, wherever it is driven, and returns when what came of it is durable.
    ///
    /// - Parameter check: looks at the run as it is when the message is about to be taken, and throws if it is not to be.
    /// - Throws: what `check` throws; ``RunFailure`` when the message is refused, or the run is lost before it is known whether
    ///   the store has it.
    func deliver(_ request: InboxRequest, expecting check: AnswerCheck? = nil) async throws {
        guard definition.generation.driver != nil else {
            return try await onWorker { worker, run in
                if let check { try check(RunRecord(copying: run)) }
                try worker.carryOut(request, postedAt: worker.now, for: run)
            }
        }
        guard let run = attachedRun else {
            throw RunFailure(code: RunFailure.Code.notStarted, message: "run \(id) has not been started")
        }
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let posted = worker.perform { worker in
                do {
                    guard let mirror = run.mirror else { throw RunFailure.engineStopped }
                    if let check { try check(RunRecord(copying: run)) }
                    var request = request
                    if case .reply(let path, let data, let name, let key) = request {
                        // The step is settled on here: by the time the message is taken another one may be the only one.
                        let path = run.machine.path(of: try worker.waitingFrame(of: run, at: path))
                        request = .reply(at: path, data: data, by: name, key: key)
                    }
                    worker.deliver(request, to: run, mirror) { answer in
                        if let failure = answer.failure { return continuation.resume(throwing: failure) }
                        self.state.withLock { $0.latest = nil }
                        continuation.resume()
                    }
                } catch {
                    continuation.resume(throwing: error)
                }
            }
            if !posted { continuation.resume(throwing: RunFailure.engineStopped) }
        }
    }

    /// Does something with the run on its worker, drives it afterwards, and returns when what it recorded is durable. What is
    /// known of the run's state is stale from here on.
    ///
    /// - Throws: what `body` throws; ``RunFailure`` when the run is lost before it is known whether the store has it.
    func onWorker(_ body: @escaping @Sendable (Worker, Run) throws -> Void) async throws {
        guard let run = state.withLock({ $0.run }) else {
            throw RunFailure(code: RunFailure.Code.notStarted, message: "run \(id) has not been started")
        }
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let posted = worker.perform { worker in
                do {
                    if let lost = run.lost { throw RunFailure(code: lost.code, message: lost.message) }
                    try body(worker, run)
                    self.state.withLock { $0.latest = nil }
                    worker.whenDurable(run) { error in
                        continuation.resume(
                            with: error.map { .failure(RunFailure(code: $0.code, message: $0.message)) } ?? .success(())
                        )
                    }
                    worker.enqueue(run)
                } catch {
                    continuation.resume(throwing: error)
                }
            }
            if !posted { continuation.resume(throwing: RunFailure.engineStopped) }
        }
    }
}
