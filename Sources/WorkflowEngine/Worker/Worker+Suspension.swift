internal import FlatValue
internal import WorkflowCore

/// Calls that wait for the host, their answers and their end.
extension Worker {
    func suspend(
        _ run: Run, _ frame: Int32, _ serial: UInt32, _ stage: Stage, _ held: Slice, _ outcome: CallOutcome,
        _ limits: CallLimits
    ) {
        guard let call = outcome.call else { return }
        callCount += 1
        var limits = limits
        limits.spend(run.executor.spentCPU)
        let id = run.calls.add(
            PendingCall(frame: frame, serial: serial, stage: stage, held: held, call: call, limits: limits),
            ordinal: callCount)
        if limits.until < .max {
            timers.insert(
                TimerHeap.Timer(deadline: limits.until, run: run, purpose: .timeout(call: id)))
        }
        serve(run, id)
    }

    /// Begins what a call has asked for since it last ran.
    private func serve(_ run: Run, _ id: UInt64) {
        guard let pending = run.calls[id] else { return }
        for token in run.executor.abandoned(by: pending.call) {
            run.calls[id]?.operations.removeValue(forKey: token)?.cancel()
        }
        if let sleep = run.executor.sleep(of: pending.call), sleep.microseconds <= Self.longestDuration {
            return beginSleep(run, id, sleep.token, sleep.microseconds)
        }
        let requests = run.executor.requests(of: pending.call)
        guard !requests.isEmpty else { return }
        for request in requests {
            let answer: @Sendable (HostAnswer) -> Void = { [span = request.span] answer in
                var answer = answer
                answer.span = span
                self.post(.answer(run, call: id, token: request.token, answer))
            }
            if request.operation == "sleep", let duration = DurationText.microseconds(request.payload),
                duration <= Self.longestDuration
            {
                beginSleep(run, id, request.token, duration)
                continue
            }
            outstanding += 1
            let operation: (any HostOperation)?
            if request.operation == "sleep" {
                answer(Self.invalidSleep(request.payload))
                operation = nil
            } else if let serving = RunRequest(rawValue: request.operation) {
                operation = serve(serving, request, run, pending, answer)
            } else if let served = serve(request, run, pending.limits) {
                answer(served)
                operation = nil
            } else if let work = request.work {
                operation = HandlerTask(task: Task { answer(await work()) })
            } else {
                operation = host.begin(hostCall(request, run, pending), answer: answer)
            }
            if let operation { run.calls[id]?.operations[request.token] = operation }
        }
    }

    /// What a call asks of the gateway, with who asks.
    private func hostCall(_ request: CallRequest, _ run: Run, _ pending: PendingCall) -> HostCall {
        let place = run.machine.frames[Int(pending.frame)]
        var call = HostCall(
            request.operation, payload: request.payload, workflow: run.plan.id, run: run.id,
            path: run.machine.path(of: pending.frame), grant: run.allowance)
        call.limits = run.plan.permissionLimits(of: place.node)
        call.attempt = max(Int(place.attempt), 1)
        call.occurrence = Int(place.occurrence)
        if run.machine.isClosing { call.part = Closing.part(of: pending.frame) }
        call.generation = run.definition.generation.id
        if pending.limits.until < .max {
            call.timeLeft = .microseconds(
                max(0, pending.limits.until.subtractingReportingOverflow(elapsed).partialValue))
        }
        call.traceparent = run.traceparent
        call.isTraceOff = run.isTraceOff
        let key = request.payload["deltas"]?.int ?? 0
        let id = pending.id
        if key != 0 { run.calls[id]?.deltas[key] = DeltaQueue() }
        if request.operation == "model", request.payload["secrets"] != nil { run.calls[id]?.asksForSecrets = true }
        call.stream = { data in self.post(.streamed(run, call: id, key: key, data)) }
        return call
    }

    /// Has the executor answer a request, where it can; the functions of schemas have the time of the call.
    private func serve(_ request: CallRequest, _ run: Run, _ limits: CallLimits) -> HostAnswer? {
        run.executor.beginChecking(within: limits)
        let answer = run.executor.serve(request)
        if run.executor.endChecking() != .none { readTime() }
        return answer
    }

    /// A hundred years, in microseconds.
    private static let longestDuration: Int64 = 3_155_760_000_000_000

    private static func invalidSleep(_ payload: Value) -> HostAnswer {
        let text = payload.withCursor { $0["duration"].map { $0.shortText } ?? $0.shortText }
        return .failure(
            code: "invalid_duration",
            message: "sleep takes seconds, or a text such as \"10s\" or \"2h\", up to 100 years; got \(text)",
            retryable: false)
    }

    private func beginSleep(_ run: Run, _ id: UInt64, _ token: UInt32, _ duration: Int64) {
        if duration > Self.parkingTime { run.waitsLong = true }
        timers.insert(
            TimerHeap.Timer(
                deadline: elapsed.advanced(clampingBy: duration), run: run,
                purpose: .sleep(call: id, token: token)))
    }

    /// Delivers a host answer to a suspended call. No-op if the call has ended (cancelled, timed out, run lost).
    func answered(_ run: Run, call id: UInt64, token: UInt32, _ answer: HostAnswer) {
        guard let pending = run.calls[id] else { return }
        if pending.operations[token]?.outlivesAnswer != true {
            run.calls[id]?.operations.removeValue(forKey: token)
        }
        run.waitsLong = false
        if let usage = answer.usage { keep(usage, in: answer.span, run, pending) }
        if let leaving = pending.leaving { return left(run, pending, leaving) }
        // What was told to stop does not go on; the command that stops it is on its way.
        if run.machine.frames[Int(pending.frame)].phase == .stopping { return }
        if elapsed > pending.limits.until { return leave(run, pending, .timedOut) }
        let outcome = answer.value.withBytes {
            run.executor.resume(
                pending.call, token: token, ok: answer.ok, value: $0, limits: pending.limits, run: run,
                frame: pending.frame)
        }
        readTime()
        if outcome.status == .suspended {
            run.calls[id]?.limits.spend(run.executor.spentCPU)
            guard takeEffects(run, pending.frame), run.log.hasRoom(for: 0) else {
                end(run, pending, code: "run_too_large", message: "the run has become too large")
                return outgrown(run, pending.frame, pending.serial)
            }
            return serve(run, id)
        }
        keepUnshown(run, id)
        run.calls[id] = nil
        for operation in pending.operations.values { operation.cancel() }
        came(run, pending.frame, pending.serial, pending.stage, pending.held, outcome, pending.limits)
    }

    func timedOut(_ run: Run, call id: UInt64) {
        guard let pending = run.calls[id], pending.leaving == nil else { return }
        leave(run, pending, .timedOut)
    }

    /// Stops what runs on behalf of a frame. Code that runs at this moment has left already: this is the thread that ran it.
    func stop(_ run: Run, _ command: Command) {
        guard let id = run.calls.call(of: command.frame, serial: command.serial), let pending = run.calls[id] else {
            run.decide(.stopped(frame: command.frame, serial: command.serial), at: now)
            return
        }
        leave(run, pending, .stopped)
    }

    /// Has a call leave. A coroutine is closed and has left; a task is told, and has left when it answers.
    private func leave(_ run: Run, _ pending: PendingCall, _ leaving: PendingCall.Leaving) {
        let tasks = pending.operations.values.filter { $0 is HandlerTask }
        guard tasks.isEmpty else {
            run.calls[pending.id]?.leaving = leaving
            for task in tasks { task.cancel() }
            return
        }
        left(run, pending, leaving)
    }

    private func left(_ run: Run, _ pending: PendingCall, _ leaving: PendingCall.Leaving) {
        switch leaving {
        case .stopped:
            end(run, pending, code: "cancelled", message: run.stopReason)
            run.decide(.stopped(frame: pending.frame, serial: pending.serial), at: now)
        case .timedOut:
            end(run, pending, code: "timeout", message: "the step's time is over")
            timedOut(run, pending.frame, pending.serial, pending.stage, pending.limits, traceback: nil)
        }
    }

    private func end(_ run: Run, _ pending: PendingCall, code: String, message: String) {
        keepUnshown(run, pending.id)
        run.calls[pending.id] = nil
        for operation in pending.operations.values { operation.cancel() }
        run.executor.close(pending.call, code: code, message: message, run: run, frame: pending.frame)
        readTime()
        takeEffects(run, pending.frame)
    }

    func abandonCalls(of run: Run, code: String, message: String) {
        for pending in run.calls.all { end(run, pending, code: code, message: message) }
    }
}
