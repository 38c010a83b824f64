internal import FlatValue
internal import Platform
internal import WorkflowCore

/// Runs that end in favour of others, which go on with their work.
extension Worker {
    /// Notes that a handler ends its run; all that is under way is stopped then.
    ///
    /// - Returns: why it cannot; nil where it does.
    func restart(_ run: Run, _ frame: Int32, with input: Value) -> ErrorObject? {
        let request: Value = ["input": input, "run": Value(RunChain.next(after: run.id))]
        guard run.log.hasRoom(for: request.byteCount) else { return .runTooLarge(run.log.limit) }
        let slice = run.log.arena.writing { $0.write(request) }
        if run.decide(.restartAsked(frame: frame, request: slice), at: now) { return nil }
        return ErrorObject(code: "over", message: "the run is being stopped", retryable: false)
    }

    /// Begins the run that follows on one, and cancels those that end with it. Only then is it over, so that a crash in between
    /// loses nothing: all of it is done again where nobody knows whether it has been done.
    ///
    /// - Parameter isHalting: the runs that end with it are cancelled alone, before its steps are undone.
    func depart(_ run: Run, halting isHalting: Bool = false) {
        guard !run.isDeparting else { return }
        run.beginClosing()
        run.isDeparting = true
        outstanding += 1
        departure(of: run) { [self] result in
            perform { worker in
                worker.outstanding -= 1
                worker.departed(run, result, halting: isHalting)
            }
        }
    }

    /// Has others be told of a run's end, here or by the host of this process; `told` is called on any thread, once.
    private func departure(of run: Run, _ told: @escaping @Sendable (Result<WorkflowRun?, RunFailure>) -> Void) {
        if isHosted {
            let call = HostCall(HostedOperation.depart.rawValue, workflow: run.plan.id, run: run.id)
            _ = host.begin(call) { answer in
                if answer.ok { return told(.success(nil)) }
                let code = answer.value["code"]?.string ?? "failed"
                told(.failure(RunFailure(code: code, message: answer.value["message"]?.string ?? code)))
            }
            return
        }
        guard let engine else { return told(.failure(.engineStopped)) }
        let isRestart = run.machine.closing?.ending == .workflowSuccess
        let successor = isRestart ? run.machine.successor(from: run.log) : nil
        let (workflow, predecessor) = (run.definition, Predecessor(run))
        let (children, status) = (run.machine.children.sorted(), run.machine.closing?.ending)
        Task { [self] in
            while successor != nil, let taken = predecessor.taken, !(await taken.passed(within: Self.departureDelay)),
                perform({ _ in })
            {}
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
            if let departed { told(departed) }
        }
    }

    /// Does for a run that another process drives what comes before its end: the end, and who is to be told of it, are read in
    /// the journal that is kept here.
    ///
    /// - Parameter told: called on the worker's thread: why it cannot be; nil once it is done.
    package func departMirrored(_ run: Run, _ told: @escaping @Sendable (RunFailure?) -> Void) {
        guard run.machine.haltsChildren || run.machine.nextClosing == .depart, run.machine.isClosing else {
            return told(RunFailure(code: "not_ending", message: "run \(run.id) has come to no end"))
        }
        departure(of: run) { [self] result in
            perform { worker in
                if case .success(let successor?) = result { worker.succeeded(run, by: successor) }
                if case .failure(let failure) = result { told(failure) } else { told(nil) }
            }
        }
    }

    private func succeeded(_ run: Run, by successor: WorkflowRun) {
        // Who asked for it to stop found this one.
        if run.isCancelAsked { successor.cancel(reason: run.cancelReason) }
        run.observer?.runSucceeded(run, by: successor)
    }

    private static let departureDelay = Duration.milliseconds(500)

    private func departed(_ run: Run, _ begun: Result<WorkflowRun?, RunFailure>, halting isHalting: Bool) {
        run.isDeparting = false
        guard !run.isLost else { return }
        switch begun {
        case .success(let successor):
            if let successor { succeeded(run, by: successor) }
            run.decide(isHalting ? .halted : .departed, at: now)
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

/// What a process that drives runs for another one asks of that one in their name, among the operations of the host.
package enum HostedOperation: String, Sendable {
    /// As ``RunRequest/start``, with the `id` given: the run has recorded it, unless it `leaves`.
    case start = "run.start"
    /// As ``RunRequest/wait``.
    case wait = "run.wait"
    /// Tells others of the end that the run has come to by its journal; answered once that is done.
    case depart = "run.depart"
}

/// A run on the way to the worker of the run that follows on it.
struct Predecessor: @unchecked Sendable {
    let id: String
    let journaled: JournaledRun?
    let isFollowed: Bool
    let isPaced: Bool
    /// Opened once whoever follows the run has taken it; nil where nothing waits for that.
    let taken: Gate?
    let grant: Value
    /// What it may do while this process drives it, where that is more.
    let allowance: Value?

    init(_ run: Run) {
        id = run.id
        journaled = run.journaled
        isFollowed = run.observer?.followsSuccessors ?? false
        (isPaced, taken) = run.observer?.pace ?? (false, nil)
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
        run.follow(predecessor)
        if let reason = family.stops.reason(for: successor.id) { run.cancel(reason: reason) }
        let recorded = RecordedFeed()
        let token = run.follow(recorded)
        defer { run.unfollow(token) }
        do {
            try run.start(
                input: successor.input, metadata: successor.metadata, ctx: successor.ctx,
                timeout: successor.timeout > 0 ? Duration.microseconds(successor.timeout) : nil, trace: successor.trace,
                tags: StartTags(inherited: successor.tags), after: predecessor.journaled, lineage: predecessor.id)
            _ = try await run.begun(told: recorded)
            return run
        } catch let failure as RunFailure where failure.code == RunFailure.Code.conflict {
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
            throw RunFailure(code: RunFailure.Code.idTaken, message: "there is another run '\(id)'")
        }
        return live?.find(id)
    }
}
