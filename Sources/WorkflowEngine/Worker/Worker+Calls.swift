internal import Synchronization
internal import WorkflowCore

/// Carrying commands out: which callback runs with what, and which fact its answer is.
extension Worker {
    /// Checks the input against the workflow's schema and tells the machine that the run begins.
    func start(_ run: Run, _ input: Slice, _ metadata: Slice, _ ctx: Slice) {
        let schema = run.plan.nodes[0].inputSchema
        switch validate(schema, input, run) {
        case .valid(let input): run.decide(.started(input: input, metadata: metadata, ctx: ctx), at: now)
        case .invalid(let summary, let details):
            let error = ErrorObject(code: "invalid_input", message: "invalid input: " + summary, details: details)
            run.decide(
                .inputRefused(error: error.write(into: &run.log.arena), metadata: metadata, ctx: ctx), at: now)
        }
    }

    func carryOut(_ command: Command, of run: Run) {
        switch command.kind {
        case .invoke:
            guard isAsked(command, .running, run) else { return }
            invoke(run, command)
        case .conclude:
            guard isAsked(command, .concluding, run) else { return }
            conclude(run, command)
        case .stop: stop(run, command)
        case .wait:
            timers.insert(
                TimerHeap.Timer(
                    deadline: command.time, run: run, life: run.life,
                    purpose: .frame(command.frame, serial: command.serial)))
        case .unwait, .finish: break
        }
    }

    private func isAsked(_ command: Command, _ phase: Frame.Phase, _ run: Run) -> Bool {
        let frame = run.machine.frames[Int(command.frame)]
        return frame.phase == phase && frame.serial == command.serial
    }

    // MARK: Beginning

    private func invoke(_ run: Run, _ command: Command) {
        let node = run.plan.nodes[Int(command.node)]
        let frame = command.frame
        let input = run.machine.frames[Int(frame)].input
        switch node.kind {
        case .step:
            guard let input = settle(node.inputSchema, input, run, command) else { return }
            call(run, frame, command.serial, .handler, node.callback, input)
        case .branch: call(run, frame, command.serial, .resolve, node.callback, input)
        case .loop: call(run, frame, command.serial, .condition, node.callback, current(run, frame))
        case .foreach: call(run, frame, command.serial, .items, node.callback, input)
        case .human:
            if node.conclude != 0 {
                call(run, frame, command.serial, .output, node.conclude, input)
            } else {
                askForm(run, frame, command.serial, output: .none)
            }
        case .delay: call(run, frame, command.serial, .duration, node.callback, input)
        case .workflow:
            guard settle(node.inputSchema, input, run, command) != nil else { return }
            run.decide(.entered(frame: frame, serial: command.serial), at: now)
        case .parallel, .waitFor: run.decide(.entered(frame: frame, serial: command.serial), at: now)
        }
    }

    private func conclude(_ run: Run, _ command: Command) {
        let node = run.plan.nodes[Int(command.node)]
        let results = run.machine.results(of: command.frame, &run.log)
        switch node.kind {
        case .workflow:
            if node.conclude != 0 {
                call(run, command.frame, command.serial, .finalize, node.conclude, results)
            } else {
                finish(run, command.frame, command.serial, results)
            }
        case .foreach, .parallel: call(run, command.frame, command.serial, .conclude, node.conclude, results)
        case .step, .branch, .loop, .human, .delay, .waitFor: break
        }
    }

    /// The input of the next iteration's condition: the loop's own before the first, the last output after it.
    private func current(_ run: Run, _ frame: Int32) -> Slice {
        let state = run.machine.frames[Int(frame)]
        return state.opened == 0 ? state.input : state.value
    }

    private func call(
        _ run: Run, _ frame: Int32, _ serial: UInt32, _ stage: Stage, _ slot: CallbackSlot, _ argument: Slice
    ) {
        let node = run.plan.nodes[Int(run.machine.frames[Int(frame)].node)]
        let timed = node.duration > 0 && stage == .handler
        if timed { run.executor.setDeadline(monotonicNanoseconds() &+ UInt64(node.duration) &* 1000) }
        // Whoever looks on sees the step begin before its code runs, and how long the code took.
        if run.isWatched { tell(run) }
        let outcome = run.executor.call(slot, argument, run: run, frame: frame)
        if run.isWatched { now = clock.now() }
        if timed { run.executor.setDeadline(0) }
        came(run, frame, serial, stage, .none, outcome)
    }

    // MARK: Answers

    /// A callback came back.
    func came(_ run: Run, _ frame: Int32, _ serial: UInt32, _ stage: Stage, _ held: Slice, _ outcome: CallOutcome) {
        if run.executor.effects.count > 0 { takeEffects(run, frame) }
        switch outcome.status {
        case .done: done(run, frame, serial, stage, held, outcome.value)
        case .failed: failed(run, frame, serial, outcome.value)
        case .suspended: suspend(run, frame, serial, stage, held, outcome)
        case .interrupted: interrupted(run, frame, serial, outcome.value)
        }
    }

    private func done(_ run: Run, _ frame: Int32, _ serial: UInt32, _ stage: Stage, _ held: Slice, _ value: Slice) {
        let node = run.plan.nodes[Int(run.machine.frames[Int(frame)].node)]
        switch stage {
        case .handler:
            guard let output = checked(node.outputSchema, value, run, frame, serial) else { return }
            if node.extra != 0 {
                let outcome = run.executor.call(node.extra, output, run: run, frame: frame)
                return came(run, frame, serial, .next, output, outcome)
            }
            run.decide(.completed(frame: frame, serial: serial, output: output, next: Fact.usualNext), at: now)
        case .next: chooseNext(run, frame, serial, output: held, value)
        case .resolve: resolve(run, frame, serial, node, value)
        case .condition: condition(run, frame, serial, node, value)
        case .prepare: run.decide(.continues(frame: frame, serial: serial, input: value), at: now)
        case .collect, .conclude:
            run.decide(.completed(frame: frame, serial: serial, output: value, next: Fact.usualNext), at: now)
        case .items: list(run, frame, serial, value)
        case .output: askForm(run, frame, serial, output: value)
        case .form: asked(run, frame, serial, output: held, form: value)
        case .duration: delay(run, frame, serial, value)
        case .finalize: finish(run, frame, serial, value)
        }
    }

    private func failed(_ run: Run, _ frame: Int32, _ serial: UInt32, _ error: Slice) {
        let retryable = run.log.value(error)["retryable"]?.bool ?? true
        let chance = Double.random(in: 0..<1, using: &random)
        run.decide(.failed(frame: frame, serial: serial, error: error, retryable: retryable, chance: chance), at: now)
    }

    func fail(_ run: Run, _ frame: Int32, _ serial: UInt32, _ error: ErrorObject, retryable: Bool = false) {
        let slice = error.write(into: &run.log.arena)
        let chance = Double.random(in: 0..<1, using: &random)
        run.decide(.failed(frame: frame, serial: serial, error: slice, retryable: retryable, chance: chance), at: now)
    }

    /// Code was stopped from outside: because the run is cancelled, or because the step's time is over.
    private func interrupted(_ run: Run, _ frame: Int32, _ serial: UInt32, _ error: Slice) {
        if run.cancelAsked.load(ordering: .acquiring) {
            cancel(run)
            run.decide(.stopped(frame: frame, serial: serial), at: now)
        } else if run.machine.frames[Int(frame)].phase == .stopping {
            run.decide(.stopped(frame: frame, serial: serial), at: now)
        } else {
            timedOut(run, frame, serial, traceback: run.log.value(error)["traceback"]?.string)
        }
    }

    func timedOut(_ run: Run, _ frame: Int32, _ serial: UInt32, traceback: String?) {
        let limit = run.plan.nodes[Int(run.machine.frames[Int(frame)].node)].duration
        let error = ErrorObject(
            code: "timeout", message: "the step took longer than its timeout of \(durationText(limit))",
            traceback: traceback)
        fail(run, frame, serial, error, retryable: true)
    }

    /// Tells the machine that somebody asked for the run to stop, once.
    func cancel(_ run: Run) {
        guard run.machine.cancelRequest.isNone, !run.machine.isOver else { return }
        let reason = run.cancelReason
        let request = run.log.arena.writing { arena in
            let object = arena.beginObject()
            arena.writeKey("reason")
            arena.write(reason)
            arena.end(object, count: 1)
        }
        run.decide(.cancelAsked(request: request), at: now)
    }
}

/// A duration as a person writes it: `200 ms`, `10 s`, `5 min`.
package func durationText(_ microseconds: Int64) -> String {
    if microseconds < 1_000_000 { return "\(microseconds / 1000) ms" }
    if microseconds < 60_000_000 {
        let tenths = microseconds / 100_000
        return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
    }
    let minutes = microseconds / 60_000_000
    if minutes < 60 { return "\(minutes) min" }
    return minutes < 1440 ? "\(minutes / 60) h" : "\(minutes / 1440) days"
}
