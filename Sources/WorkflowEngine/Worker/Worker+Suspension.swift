internal import WorkflowCore

/// A handler written in Swift that is `async`: a child of the call, cancelled with it.
private struct TaskOperation: HostOperation {
    let task: Task<Void, Never>

    func cancel() { task.cancel() }
}

/// Calls that wait for the host, their answers and their end.
extension Worker {
    func suspend(_ run: Run, _ frame: Int32, _ serial: UInt32, _ stage: Stage, _ held: Slice, _ outcome: CallOutcome) {
        guard let call = outcome.call else { return }
        callCount += 1
        let pending = PendingCall(id: callCount, frame: frame, serial: serial, stage: stage, held: held, call: call)
        run.calls.append(pending)
        let node = run.plan.nodes[Int(run.machine.frames[Int(frame)].node)]
        if node.duration > 0, stage == .handler {
            timers.insert(
                TimerHeap.Timer(
                    deadline: now + node.duration, run: run, life: run.life, purpose: .timeout(call: pending.id)))
        }
        serve(run, pending.id)
    }

    /// Begins what a call has asked for since it last ran.
    private func serve(_ run: Run, _ id: UInt64) {
        guard let index = run.calls.firstIndex(where: { $0.id == id }) else { return }
        let pending = run.calls[index]
        for token in run.executor.abandoned(by: pending.call) {
            run.calls[index].operations.removeValue(forKey: token)?.cancel()
        }
        if let sleep = run.executor.sleep(of: pending.call) {
            return beginSleep(run, id, sleep.token, sleep.microseconds)
        }
        let requests = run.executor.requests(of: pending.call)
        guard !requests.isEmpty else { return }
        let life = run.life
        for request in requests {
            if request.operation == "sleep" {
                beginSleep(run, id, request.token, DurationText.microseconds(request.payload) ?? 0)
                continue
            }
            let caller = HostCaller(
                workflow: run.plan.id, run: run.id, path: run.machine.path(of: pending.frame))
            outstanding += 1
            let answer: @Sendable (HostAnswer) -> Void = { answer in
                self.post(.answer(run, life: life, call: id, token: request.token, answer))
            }
            let operation: (any HostOperation)?
            if let served = run.executor.serve(request) {
                answer(served)
                operation = nil
            } else if let work = request.work {
                operation = TaskOperation(task: Task { answer(await work()) })
            } else {
                operation = host.begin(request, for: caller, answer: answer)
            }
            if let operation, let index = run.calls.firstIndex(where: { $0.id == id }) {
                run.calls[index].operations[request.token] = operation
            }
        }
    }

    private func beginSleep(_ run: Run, _ id: UInt64, _ token: UInt32, _ duration: Int64) {
        if duration > Self.parkingTime { run.waitsLong = true }
        timers.insert(
            TimerHeap.Timer(
                deadline: clock.now() + duration, run: run, life: run.life, purpose: .sleep(call: id, token: token)))
    }

    /// The host has answered a request; a call that is gone does not mind.
    func answered(_ run: Run, call id: UInt64, token: UInt32, _ answer: HostAnswer) {
        guard let index = run.calls.firstIndex(where: { $0.id == id }) else { return }
        run.calls[index].operations.removeValue(forKey: token)
        run.waitsLong = false
        let pending = run.calls[index]
        if let leaving = pending.leaving { return left(run, pending, leaving) }
        let outcome = answer.value.withBytes {
            run.executor.resume(pending.call, token: token, ok: answer.ok, value: $0, run: run, frame: pending.frame)
        }
        if outcome.status == .suspended {
            if run.executor.effects.count > 0 { takeEffects(run, pending.frame) }
            return serve(run, id)
        }
        run.calls.removeAll { $0.id == id }
        for operation in pending.operations.values { operation.cancel() }
        came(run, pending.frame, pending.serial, pending.stage, pending.held, outcome)
    }

    func timedOut(_ run: Run, call id: UInt64) {
        guard let index = run.calls.firstIndex(where: { $0.id == id }), run.calls[index].leaving == nil else { return }
        leave(run, index, .timedOut)
    }

    /// Stops what runs on behalf of a frame. Code that runs at this moment has left already: this is the thread that ran it.
    func stop(_ run: Run, _ command: Command) {
        guard let index = run.calls.firstIndex(where: { $0.frame == command.frame && $0.serial == command.serial })
        else {
            run.decide(.stopped(frame: command.frame, serial: command.serial), at: now)
            return
        }
        leave(run, index, .stopped)
    }

    /// Has a call leave. A coroutine is closed and has left; a task is told, and has left when it answers.
    private func leave(_ run: Run, _ index: Int, _ leaving: PendingCall.Leaving) {
        let tasks = run.calls[index].operations.values.filter { $0 is TaskOperation }
        guard tasks.isEmpty else {
            run.calls[index].leaving = leaving
            for task in tasks { task.cancel() }
            return
        }
        left(run, run.calls[index], leaving)
    }

    private func left(_ run: Run, _ pending: PendingCall, _ leaving: PendingCall.Leaving) {
        switch leaving {
        case .stopped:
            end(run, pending, code: "cancelled", message: run.cancelReason)
            run.decide(.stopped(frame: pending.frame, serial: pending.serial), at: now)
        case .timedOut:
            end(run, pending, code: "timeout", message: "the step's time is over")
            timedOut(run, pending.frame, pending.serial, traceback: nil)
        }
    }

    private func end(_ run: Run, _ pending: PendingCall, code: String, message: String) {
        run.calls.removeAll { $0.id == pending.id }
        for operation in pending.operations.values { operation.cancel() }
        run.executor.close(pending.call, code: code, message: message, run: run, frame: pending.frame)
        if run.executor.effects.count > 0 { takeEffects(run, pending.frame) }
    }

    func abandonCalls(of run: Run, code: String, message: String) {
        for pending in run.calls { end(run, pending, code: code, message: message) }
    }
}
