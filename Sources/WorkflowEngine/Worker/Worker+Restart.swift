internal import FlatValue
internal import WorkflowCore

/// Runs that end in favour of others, which go on with their work.
extension Worker {
    /// Notes that a handler ends its run; all that is under way is stopped then.
    ///
    /// - Returns: why it cannot; nil where it does.
    func restart(_ run: Run, _ frame: Int32, with input: Value) -> ErrorObject? {
        guard engine != nil else {
            return ErrorObject(
                code: "unsupported", message: "runs in processes of their own (--isolate) do not restart",
                retryable: false)
        }
        let request: Value = ["input": input, "run": Value(RunChain.next(after: run.id))]
        guard run.log.hasRoom(for: request.withBytes(\.count)) else { return .runTooLarge(limits.runSize) }
        let slice = run.log.arena.writing { $0.write(request) }
        if run.decide(.restartAsked(frame: frame, request: slice), at: now) { return nil }
        return ErrorObject(code: "over", message: "the run is being stopped", retryable: false)
    }

    /// Begins the run that follows on one, and cancels those that end with it. Only then is it over, so that a crash in between
    /// loses nothing: all of it is done again where nobody knows whether it has been done.
    func depart(_ run: Run) {
        guard !run.isDeparting else { return }
        run.beginClosing()
        guard let engine else {
            let isRestart = run.machine.successor(from: run.log) != nil
            let refusal = RunFailure(code: "unsupported", message: "no other run can be begun here")
            return departed(run, isRestart ? .failure(refusal) : .success(nil))
        }
        run.isDeparting = true
        outstanding += 1
        let isRestart = run.machine.closing?.ending == .workflowSuccess
        let successor = isRestart ? run.machine.successor(from: run.log) : nil
        let (workflow, predecessor) = (run.definition, Predecessor(run))
        let (children, status) = (run.machine.children.sorted(), run.machine.closing?.ending)
        Task { [self] in
            var departed: Result<WorkflowRun?, RunFailure>?
            while departed == nil {
                do {
                    try await engine.cancelChildren(children, of: predecessor.id, after: status)
                    var next: WorkflowRun?
                    if let successor { next = try await engine.begin(successor, of: workflow, after: predecessor) }
                    departed = .success(next)
                } catch let failure as RunFailure {
                    departed = .failure(failure)
                } catch let error as JournalError where error.code == JournalError.engineStopped.code {
                    departed = .failure(.engineStopped)
                } catch {
                    // A store that fails makes the run wait, and go on from here.
                    try? await Task.sleep(for: Self.departureDelay)
                    if !perform({ _ in }) { departed = .failure(.engineStopped) }
                }
            }
            guard let departed else { return }
            perform { worker in
                worker.outstanding -= 1
                worker.departed(run, departed)
            }
        }
    }

    private static let departureDelay = Duration.milliseconds(500)

    private func departed(_ run: Run, _ begun: Result<WorkflowRun?, RunFailure>) {
        run.isDeparting = false
        guard !run.isLost else { return }
        switch begun {
        case .success(let successor):
            if let successor {
                // Who asked for it to stop found this one.
                if run.isCancelAsked { successor.cancel(reason: run.cancelReason) }
                run.observer?.runSucceeded(run, by: successor)
            }
            run.decide(.departed, at: now)
        // It goes on from here in the next process.
        case .failure(let failure) where failure.code == JournalError.engineStopped.code: return
        case .failure(let failure):
            let error = ErrorObject(
                code: failure.code, message: "the run could not begin anew: \(failure.message)", retryable: false)
            run.decide(.abandoned(error: error.write(into: &run.log.arena)), at: now)
        }
        enqueue(run)
    }
}

/// A run on the way to the worker of the run that follows on it.
struct Predecessor: @unchecked Sendable {
    let id: String
    let journaled: JournaledRun?
    let isFollowed: Bool
    let grant: Value
    /// What it may do while this process drives it, where that is more.
    let allowance: Value?

    init(_ run: Run) {
        id = run.id
        journaled = run.journaled
        isFollowed = run.observer?.followsSuccessors ?? false
        grant = run.journaled?.origin.grant ?? run.grant ?? .null
        allowance = run.allowance
    }
}

extension WorkflowEngine {
    /// Begins the run that follows on another one, once; returns when the store has it.
    ///
    /// - Returns: the run; nil where the store had it before.
    fileprivate func begin(
        _ successor: Successor, of workflow: Workflow, after predecessor: Predecessor
    ) async throws -> WorkflowRun? {
        let run = createRun(
            workflow, id: successor.id, grant: predecessor.grant, allowance: predecessor.allowance)
        if predecessor.isFollowed { run.followSuccessors() }
        if let reason = family.stops.reason(for: successor.id) { run.cancel(reason: reason) }
        let recorded = RecordedFeed()
        let token = run.follow(recorded)
        defer { run.unfollow(token) }
        do {
            try run.start(
                input: successor.input, metadata: successor.metadata, ctx: successor.ctx,
                timeout: successor.timeout > 0 ? Duration.microseconds(successor.timeout) : nil, trace: successor.trace,
                tags: StartTags(inherited: successor.tags), after: predecessor.journaled, lineage: predecessor.id)
            await recorded.passed()
            if !recorded.hasEvents { _ = try await run.settled() }
            return run
        } catch let failure as RunFailure where failure.code == "conflict" {
            return try await known(successor.id, after: predecessor.id)
        }
    }

    /// Makes sure that a run which was there before is the one that follows on another.
    private func known(_ id: String, after predecessor: String) async throws -> WorkflowRun? {
        // One that this engine is about to begin may not be in the store yet.
        var header = try await journal?.header(of: id)
        while header == nil, live?.find(id) != nil {
            try? await Task.sleep(for: .milliseconds(1))
            header = try await journal?.header(of: id)
        }
        guard header?.lineage == predecessor else {
            throw RunFailure(code: "id_taken", message: "there is another run '\(id)'")
        }
        return live?.find(id)
    }
}
