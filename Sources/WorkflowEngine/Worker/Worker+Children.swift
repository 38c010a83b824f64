internal import FlatValue
internal import WorkflowCore

/// What a handler has asked for and what goes on in a task of its own; it ends with the call.
private struct ChildOperation: HostOperation {
    let task: Task<Void, Never>

    func cancel() { task.cancel() }
}

/// Runs of other workflows that handlers start.
extension Worker {
    /// How many bytes the id of a run takes.
    private static let longestID = 200

    func startChild(
        _ payload: Value, _ run: Run, _ pending: PendingCall, _ answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        func refuse(_ code: String, _ message: String) -> (any HostOperation)? {
            answer(.failure(code: code, message: message, retryable: false))
            return nil
        }
        guard let engine else {
            return refuse("unsupported", "runs in processes of their own (--isolate) start no other runs")
        }
        let id = payload["id"]?.string ?? childID(of: run, pending, payload["name"]?.string ?? "")
        guard (1...Self.longestID).contains(id.utf8.count), !id.utf8.contains(where: { $0 < 32 || $0 == 127 }) else {
            return refuse(
                "invalid_argument",
                "the id of a run has 1 to \(Self.longestID) bytes without control characters, got \(id.utf8.count) bytes; runs "
                    + "that start each other without end come to this too")
        }
        guard run.log.hasRoom(for: payload.withBytes(\.count)) else {
            return refuse("run_too_large", ErrorObject.runTooLarge(limits.runSize).message)
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
        let limits = run.plan.permissionLimits(of: run.machine.frames[Int(pending.frame)].node)
        let child = ChildStart(
            id: id, workflow: payload["workflow"]?.string ?? "", input: payload["input"] ?? .emptyObject,
            parent: run.id, generation: run.definition.generation.id,
            grant: host.narrowed(run.allowance, by: limits),
            traceparent: run.machine.trace.isNone ? nil : run.log.value(run.machine.trace)["traceparent"]?.string)
        whenDurable(run) { error in
            // A run that is lost ends its calls, and tells them why.
            if error != nil { return answer(.failure(code: "over", message: "the run is over")) }
            Task { answer(await engine.start(child)) }
        }
        return nil
    }

    /// The same for every attempt of one start of a step.
    private func childID(of run: Run, _ pending: PendingCall, _ name: String) -> String {
        var print = Fingerprint()
        print.add(run.machine.path(of: pending.frame))
        print.add(Int64(run.machine.frames[Int(pending.frame)].occurrence))
        print.add(name)
        return "\(run.id).\(print.text)"
    }

    func awaitChild(
        _ payload: Value, _ run: Run, _ answer: @escaping @Sendable (HostAnswer) -> Void
    ) -> (any HostOperation)? {
        guard let engine, let id = payload["run"]?.string else {
            answer(.failure(code: "unsupported", message: "there is no run to wait for", retryable: false))
            return nil
        }
        // Time has to pass for the run that is waited for.
        releaseClock()
        return ChildOperation(
            task: Task {
                let outcome = await engine.outcome(ofChild: id)
                perform { $0.holdClock() }
                answer(outcome)
            })
    }
}
