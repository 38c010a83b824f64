package import FlatValue
internal import WorkflowCore

/// What a handler waits for: the end of a run that it has started. It goes on in a task of its own, and ends with the call.
struct ChildOperation: HostOperation {
    let task: Task<Void, Never>

    func cancel() { task.cancel() }
}

/// Runs of other workflows that handlers start.
extension Worker {
    func startChild(
        _ payload: Value, _ run: Run, _ pending: PendingCall, _ answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        func refuse(_ code: String, _ message: String) -> (any HostOperation)? {
            answer(.failure(code: code, message: message, retryable: false))
            return nil
        }
        let given = payload["id"]?.string
        let id = given ?? childID(of: run, pending, payload["name"]?.string ?? "")
        // A restart adds its number.
        if id.utf8.count > RunIdentifier.longest - 16 {
            return refuse(
                "invalid_argument",
                "the run's id has no room for another one; runs that start each other without end come to this")
        }
        if let problem = given == nil ? RunIdentifier.problem(of: id) : RunIdentifier.problem(ofNew: id) {
            return refuse("invalid_argument", "the id of a run \(problem)")
        }
        guard run.log.hasRoom(for: payload.byteCount) else {
            return refuse("run_too_large", ErrorObject.runTooLarge(run.log.limit).message)
        }
        if payload["leaves"]?.bool != true {
            // Before it begins, so that it ends with this run whatever happens in between.
            let record = run.log.arena.writing {
                $0.write(["name": Value("child " + id), "child": Value(id)] as Value)
            }
            guard run.decide(.recorded(frame: pending.frame, record: record), at: now) else {
                return refuse("over", "the run is over")
            }
        }
        if isHosted {
            let request: Value = [
                "id": Value(id), "workflow": payload["workflow"] ?? "", "input": payload["input"] ?? .emptyObject,
                "leaves": Value(payload["leaves"]?.bool == true), "own": Value(payload["own"]?.bool == true),
            ]
            let frame = pending.frame
            // The other process believes what is recorded.
            whenDurable(run) { [self] error in
                if error != nil { return answer(.failure(code: "over", message: "the run is over")) }
                _ = ask(.start, request, run, frame, answer)
            }
            return nil
        }
        let limits = run.plan.permissionLimits(of: run.machine.frames[Int(pending.frame)].node)
        begin(child(id, payload, of: run, grant: host.narrowed(run.allowance, by: limits)), of: run, answer)
        return nil
    }

    private func child(_ id: String, _ payload: Value, of run: Run, grant: Value) -> ChildStart {
        ChildStart(
            id: id, workflow: payload["workflow"]?.string ?? "", input: payload["input"] ?? .emptyObject,
            parent: run.id, generation: run.definition.generation, isOwn: payload["own"]?.bool == true,
            leaves: payload["leaves"]?.bool == true, grant: grant,
            trace: run.traceOfChildren)
    }

    private func begin(_ child: ChildStart, of run: Run, _ answer: @escaping @Sendable (HostAnswer) -> Void) {
        guard let engine else { return answer(.failure(code: "over", message: "the engine has ended")) }
        let undoes = run.machine.isClosing
        whenDurable(run) { error in
            // A run that is lost ends its calls, and tells them why.
            if error != nil { return answer(.failure(code: "over", message: "the run is over")) }
            Task { answer(await engine.start(child) { await self.hasEnded(run, undoing: undoes) }) }
        }
    }

    /// Whether a run that is driven here has come to its end; any thread.
    ///
    /// - Parameter undoing: what undoes its steps asks, which goes on behind the end of the steps.
    private func hasEnded(_ run: Run, undoing: Bool) async -> Bool {
        await withCheckedContinuation { continuation in
            let isAsked = perform { _ in
                continuation.resume(returning: run.machine.isOver || run.machine.isClosing && !undoing)
            }
            if !isAsked { continuation.resume(returning: false) }
        }
    }

    /// Whether another run may wait for this one, which it has started or ends in favour of.
    package func isAwaited(_ run: Run) -> Bool {
        run.journaled?.lineage != nil || RunChain.split(run.id).number > 1 || engine?.family.find(run.id) != nil
    }

    /// Whether a run waits for others.
    package func waitsForOthers(_ run: Run) -> Bool { engine?.family.awaited(by: run.id).isEmpty == false }

    /// Stops all runs that one has started in an engine that keeps none in a store, also those that it would leave.
    package func endChildren(of run: String, reason: String) {
        for child in engine?.family.forget(childrenOf: run) ?? [] { child.cancel(reason: reason) }
    }

    /// Asks the process on whose behalf this one drives runs.
    private func ask(
        _ operation: HostedOperation, _ payload: Value, _ run: Run, _ frame: Int32,
        _ answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        let path = run.machine.path(of: frame)
        return host.begin(
            HostCall(operation.rawValue, payload: payload, workflow: run.plan.id, run: run.id, path: path),
            answer: answer)
    }

    /// Does what a run that another process drives asks for, and that its journal bears out.
    ///
    /// - Parameters:
    ///   - grant: what the step that asks may do.
    ///   - started: runs of which the run has been told before that it started them.
    package func serveMirrored(
        _ operation: HostedOperation, _ payload: Value, of run: Run, grant: Value, started: Set<String>,
        _ answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        switch operation {
        case .start:
            guard let id = payload["id"]?.string, Self.isName(id, ofChildOf: run),
                payload["leaves"]?.bool == true || run.machine.children.contains(id)
            else {
                answer(
                    .failure(code: "invalid_argument", message: "the run has not recorded that it starts another one"))
                return nil
            }
            begin(child(id, payload, of: run, grant: grant), of: run, answer)
            return nil
        case .wait:
            guard let engine, let id = payload["run"]?.string else {
                answer(.failure(code: "unsupported", message: "there is no run to wait for", retryable: false))
                return nil
            }
            let (isKnown, parent) = (started.contains(id), run.id)
            return ChildOperation(
                task: Task {
                    let hasStarted = isKnown ? true : (try? await engine.hasStarted(id, by: parent)) ?? false
                    guard hasStarted else {
                        return answer(.failure(code: "missing", message: "the run has started no run '\(id)'"))
                    }
                    answer(await engine.outcome(ofChild: id, for: parent))
                })
        case .depart:
            departMirrored(run) { failure in
                answer(failure.map { .failure(code: $0.code, message: $0.message) } ?? .success(.null))
            }
            return nil
        }
    }

    /// Whether a run may be started under an id by another one.
    private static func isName(_ id: String, ofChildOf run: Run) -> Bool {
        if ReservedRunID.child(named: id, of: run.id) != nil { return RunIdentifier.problem(of: id) == nil }
        return RunIdentifier.problem(ofNew: id) == nil
    }

    /// The same for every attempt of one start of a step, and another one for what undoes the step.
    private func childID(of run: Run, _ pending: PendingCall, _ name: String) -> String {
        var print = Fingerprint()
        if pending.stage == .compensate { print.add("compensate") }
        print.add(run.machine.path(of: pending.frame))
        print.add(Int64(run.machine.frames[Int(pending.frame)].occurrence))
        print.add(name)
        return ReservedRunID.child(print.text, of: run.id).text
    }

    func awaitChild(
        _ payload: Value, _ run: Run, _ pending: PendingCall, _ answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        if isHosted { return ask(.wait, payload, run, pending.frame, answer) }
        guard let engine, let id = payload["run"]?.string else {
            answer(.failure(code: "unsupported", message: "there is no run to wait for", retryable: false))
            return nil
        }
        // Time has to pass for the run that is waited for.
        releaseClock()
        let parent = run.id
        return ChildOperation(
            task: Task {
                let outcome = await engine.outcome(ofChild: id, for: parent)
                perform { $0.holdClock() }
                answer(outcome)
            })
    }
}
