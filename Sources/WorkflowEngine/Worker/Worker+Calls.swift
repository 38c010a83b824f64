internal import FlatValue
internal import Synchronization
internal import WorkflowCore

/// Carrying commands out: which callback runs with what, and which fact its answer is.
extension Worker {
    /// Checks the input against the workflow's schema and tells the machine that the run begins.
    func start(
        _ run: Run, _ input: Slice, _ metadata: Slice, _ ctx: Slice, tags given: StartTags = StartTags(),
        timeout: Int64 = 0,
        at time: Int64 = 0, queueing: Queueing = Queueing()
    ) {
        let before = enter(run)
        defer { leave(run, before) }
        let schema = run.plan.nodes[0].inputSchema
        switch validate(schema, input, run, within: limits.callback) {
        case .valid(let input):
            var (limits, queue, time, tags) = (Slice.none, Slice.none, time, Slice.none)
            do throws(ErrorObject) {
                tags = try self.tags(of: run, input, given)
                if let flow = run.plan.flow, !queueing.isExempt {
                    if let ticket = try ticket(for: run, flow, input, at: time, queueing) {
                        run.journaled?.ticket = ticket
                        queue = ticket.write(input, into: &run.log.arena)
                        // The queue keeps it waiting.
                        time = 0
                    }
                }
            } catch {
                if error.code == ErrorObject.stopped, endsBeforeStart(run) { return }
                return refuse(run, error, metadata, ctx, given)
            }
            if timeout > 0 || time > now {
                limits = RunLimits.write(
                    timeout: timeout, startAt: time > now ? time : 0, input: input, into: &run.log.arena)
            }
            let seed = Int32(truncatingIfNeeded: random.next())
            run.decide(
                .started(
                    input: input, metadata: metadata, ctx: ctx, seed: seed, limits: limits, queue: queue, tags: tags),
                at: now)
        case .invalid(let summary, let details):
            let error = ErrorObject(code: "invalid_input", message: "invalid input: " + summary, details: details)
            refuse(run, error, metadata, ctx, given)
        case .stopped:
            if !endsBeforeStart(run) { refuse(run, checkTimeout("the input"), metadata, ctx, given) }
        }
    }

    /// A run whose input is refused is found by what its start was tagged with, and by what its workflow says of all runs.
    private func refuse(_ run: Run, _ error: ErrorObject, _ metadata: Slice, _ ctx: Slice, _ tags: StartTags) {
        var own = RunTags.none
        if case .fixed(let fixed) = run.plan.tagging { own = fixed }
        let slice = write((try? tags.over(own)) ?? tags.given, run)
        run.decide(
            .inputRefused(error: error.write(into: &run.log.arena), metadata: metadata, ctx: ctx, tags: slice), at: now)
    }

    private func write(_ tags: RunTags, _ run: Run) -> Slice {
        tags.isEmpty ? .none : run.log.arena.writing { $0.write(tags.value) }
    }

    /// What a run with a valid input is tagged with.
    private func tags(of run: Run, _ input: Slice, _ tags: StartTags) throws(ErrorObject) -> Slice {
        do {
            switch run.plan.tagging {
            case nil: return write(try tags.over(.none), run)
            case .fixed(let fixed): return write(try tags.over(fixed), run)
            case .chosen(let slot):
                let chosen = try ask(slot, named: "tags", run.log.arena[input], of: run).get()
                return write(try tags.over(chosen.isNull ? .none : RunTags(chosen)), run)
            }
        } catch let fault as RunTagFault {
            throw ErrorObject(code: "invalid_tags", message: "`tags` of workflow '\(run.plan.id)': \(fault)")
        } catch {
            throw error as? ErrorObject ?? ErrorObject(code: "invalid_tags", message: "\(error)")
        }
    }

    /// The functions of a schema, outside of a step, took too long.
    func checkTimeout(_ what: String) -> ErrorObject {
        ErrorObject(
            code: "timeout",
            message: "checking \(what) took too long: the schema's functions may use "
                + "\(durationText(nanoseconds: limits.callback.cpu)) of CPU time")
    }

    func carryOut(_ command: Command, of run: Run) {
        switch command.kind {
        case .invoke:
            guard isAsked(command, .running, run) else { return }
            invoke(run, command)
        case .conclude:
            guard isAsked(command, .concluding, run) else { return }
            conclude(run, command)
        case .close:
            guard isAsked(command, .running, run) else { return }
            close(run, command.frame, command.serial)
        case .stop: stop(run, command)
        case .wait: wait(run, command)
        case .depart: depart(run)
        case .halt: depart(run, halting: true)
        case .unwait, .finish: break
        }
    }

    /// How long a wait has to be to go by the time of the day as well: by what the journal says, which another process or a
    /// clock that was set right would go by. In microseconds.
    private static let longWait: Int64 = 60_000_000

    /// Sets the timer of a wait. Its end is a time of the day; how far that lies ahead is counted by the clock that nobody sets.
    private func wait(_ run: Run, _ command: Command) {
        var rest = max(command.time.distance(from: now), 0)
        // It was decided before it was durable, and the time of the day may have been set since.
        if let begin = Self.beginning(of: command, in: run.log) {
            rest = min(rest, max(command.time.distance(from: begin), 0))
        }
        let isBackoff = command.frame >= 0 && run.machine.frames[Int(command.frame)].phase == .backoff
        timers.insert(
            TimerHeap.Timer(
                deadline: elapsed.advanced(clampingBy: rest),
                wall: rest > Self.longWait && !isBackoff ? command.time : 0,
                run: run, purpose: .frame(command.frame, serial: command.serial)))
    }

    /// The time of the day by which the end of a wait was reckoned, if that is among the newest events.
    private static func beginning(of command: Command, in log: RunLog) -> Int64? {
        for index in stride(from: log.count - 1, through: max(log.count - 64, 0), by: -1) {
            let event = log[index]
            guard event.frame == command.frame else { continue }
            switch event.kind {
            case .stepWaiting, .stepRetry, .humanRequested: return event.time
            default: continue
            }
        }
        return nil
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
            let limits = attemptLimits(node)
            guard let input = settle(node.inputSchema, input, run, command, within: limits) else { return }
            call(run, frame, command.serial, .handler, node.callback, input, within: limits)
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
            guard settle(node.inputSchema, input, run, command, within: limits.callback) != nil else { return }
            run.decide(.entered(frame: frame, serial: command.serial), at: now)
        case .parallel, .waitFor: run.decide(.entered(frame: frame, serial: command.serial), at: now)
        }
    }

    private func conclude(_ run: Run, _ command: Command) {
        let node = run.plan.nodes[Int(command.node)]
        guard let results = results(run, command.frame, command.serial) else { return }
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

    /// Calls a callback on behalf of a frame and goes on with its answer.
    ///
    /// - Parameters:
    ///   - held: what an earlier stage of the same command gave.
    ///   - limits: what the callback may take; nil for what any callback may.
    func call(
        _ run: Run, _ frame: Int32, _ serial: UInt32, _ stage: Stage, _ slot: CallbackSlot, _ argument: Slice,
        held: Slice = .none, within limits: CallLimits? = nil
    ) {
        let limits = limits ?? self.limits.callback
        // Whoever looks on sees the step begin before its code runs.
        if run.isWatched { tell(run) }
        let outcome = run.executor.call(slot, argument, limits: limits, run: run, frame: frame)
        readTime()
        came(run, frame, serial, stage, held, outcome, limits)
    }

    /// The results of a construct's bodies, as its concluding callback gets them; nil when the run has no room for them.
    func results(_ run: Run, _ frame: Int32, _ serial: UInt32) -> Slice? {
        guard run.log.hasRoom(for: run.machine.resultSize(of: frame)) else {
            outgrown(run, frame, serial)
            return nil
        }
        return run.machine.results(of: frame, &run.log)
    }

    // MARK: Answers

    /// Handles how a callback came back.
    func came(
        _ run: Run, _ frame: Int32, _ serial: UInt32, _ stage: Stage, _ held: Slice, _ outcome: CallOutcome,
        _ limits: CallLimits
    ) {
        guard takeEffects(run, frame), run.log.hasRoom(for: 0) else {
            if let call = outcome.call {
                run.executor.close(
                    call, code: "run_too_large", message: "the run has become too large", run: run, frame: frame)
                run.executor.dropEffects()
            }
            return outgrown(run, frame, serial)
        }
        switch outcome.status {
        case .done: done(run, frame, serial, stage, held, outcome.value, limits)
        case .failed: failed(run, frame, serial, outcome.value)
        case .suspended: suspend(run, frame, serial, stage, held, outcome, limits)
        case .interrupted: interrupted(run, frame, serial, stage, outcome.value, limits)
        }
    }

    private func done(
        _ run: Run, _ frame: Int32, _ serial: UInt32, _ stage: Stage, _ held: Slice, _ value: Slice,
        _ limits: CallLimits
    ) {
        let node = run.plan.nodes[Int(run.machine.frames[Int(frame)].node)]
        switch stage {
        case .handler:
            var rest = limits
            if node.outputSchema >= 0 { rest.spend(run.executor.spentCPU) }
            guard let output = checked(node.outputSchema, value, run, frame, serial, within: rest) else { return }
            if node.extra != 0 { return call(run, frame, serial, .next, node.extra, output, held: output) }
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
        case .compensate, .completion:
            run.decide(.completed(frame: frame, serial: serial, output: value, next: Fact.usualNext), at: now)
        }
    }

    private func failed(_ run: Run, _ frame: Int32, _ serial: UInt32, _ error: Slice) {
        let value = run.log.value(error)
        // What was asked for wrongly is wrong the next time too.
        let retryable = value["retryable"]?.bool ?? (value["code"]?.string != "invalid_argument")
        let chance = Double.random(in: 0..<1, using: &random)
        let error = explained(error, value["message"]?.string ?? "", run, frame)
        run.decide(.failed(frame: frame, serial: serial, error: error, retryable: retryable, chance: chance), at: now)
    }

    /// The error of code that used an input which is nil, with the step that gave none.
    private func explained(_ error: Slice, _ message: String, _ run: Run, _ frame: Int32) -> Slice {
        guard message.contains("a nil value"), !run.machine.isClosing else { return error }
        let origin = originOfNothing(run, frame)
        guard !origin.isEmpty, let entries = Value(run.log.value(error)).entries else { return error }
        let changed = entries.map { ($0.key, $0.key == "message" ? Value(message + origin) : $0.value) }
        return run.log.arena.writing { $0.write(Value(entries: changed)) }
    }

    func fail(_ run: Run, _ frame: Int32, _ serial: UInt32, _ error: ErrorObject, retryable: Bool = false) {
        let slice = error.write(into: &run.log.arena)
        let chance = Double.random(in: 0..<1, using: &random)
        run.decide(.failed(frame: frame, serial: serial, error: slice, retryable: retryable, chance: chance), at: now)
    }

    /// What the run would record goes beyond its size.
    func outgrown(_ run: Run, _ frame: Int32, _ serial: UInt32) {
        fail(run, frame, serial, .runTooLarge(run.log.limit))
    }

    /// Code was stopped from outside: because the run is cancelled, the engine ends, or its time is over.
    ///
    /// - Parameter error: an error object with a traceback; none when the function of a schema was stopped.
    func interrupted(
        _ run: Run, _ frame: Int32, _ serial: UInt32, _ stage: Stage, _ error: Slice, _ limits: CallLimits
    ) {
        if run.isEndDecided {
            if let closing { return lose(run, closing) }
            let isSpent = elapsed >= limits.until || (limits.cpu > 0 && run.executor.spentCPU >= limits.cpu)
            if run.isCancelAsked, !isSpent, !run.hasRepeatedClosing {
                run.hasRepeatedClosing = true
                return close(run, frame, serial)
            }
            let traceback = error.isNone ? nil : run.log.value(error)["traceback"]?.string
            timedOut(run, frame, serial, stage, limits, traceback: traceback)
        } else if run.isCancelAsked {
            cancel(run)
            run.decide(.stopped(frame: frame, serial: serial), at: now)
        } else if run.machine.frames[Int(frame)].phase == .stopping {
            run.decide(.stopped(frame: frame, serial: serial), at: now)
        } else if let closing {
            lose(run, closing)
        } else {
            let traceback = error.isNone ? nil : run.log.value(error)["traceback"]?.string
            timedOut(run, frame, serial, stage, limits, traceback: traceback)
        }
    }

    func timedOut(
        _ run: Run, _ frame: Int32, _ serial: UInt32, _ stage: Stage, _ limits: CallLimits, traceback: String?
    ) {
        let node = run.plan.nodes[Int(run.machine.frames[Int(frame)].node)]
        let message: String
        if limits.until < .max {
            message = "the step took longer than its timeout of \(durationText(node.duration))"
        } else if stage == .completion {
            message =
                "the completion handler used more than \(durationText(nanoseconds: self.limits.handler.cpu)) of CPU time"
        } else if stage.isWork {
            message =
                "the step used more than \(durationText(nanoseconds: self.limits.handler.cpu)) of CPU time; "
                + "give it a `timeout` of its own, or `timeout = 0` for none"
        } else {
            message =
                "`\(stage.name(of: node.kind))` used more than \(durationText(nanoseconds: self.limits.callback.cpu)) of CPU time"
        }
        let error = ErrorObject(code: "timeout", message: message, traceback: traceback)
        fail(run, frame, serial, error, retryable: stage.isWork && stage != .completion)
    }

    /// Tells the machine that somebody asked for the run to stop, once.
    func cancel(_ run: Run) {
        if run.isEndDecided { return }
        if let mirror = run.mirror { return stop(run, mirror) }
        recordCancel(run)
    }

    /// Records that somebody asked for the run to stop, once.
    func recordCancel(_ run: Run) {
        // What is to stop has an end to write, also in a run that was about to be given back.
        run.isHeld = false
        guard !run.isLost, run.machine.cancelRequest.isNone, !run.machine.isOver else { return }
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

func durationText(nanoseconds: UInt64) -> String { durationText(Int64(nanoseconds / 1000)) }

/// A duration as a person writes it: `200 ms`, `10 s`, `5 min`, `1 min 40 s`.
package func durationText(_ microseconds: Int64) -> String {
    if microseconds < 1_000_000 { return "\(microseconds / 1000) ms" }
    if microseconds < 60_000_000 {
        let tenths = microseconds / 100_000
        return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
    }
    /// The larger unit, and what is left in the smaller one.
    func text(_ count: Int64, _ unit: String, _ rest: Int64, _ smaller: String) -> String {
        rest == 0 ? "\(count) \(unit)" : "\(count) \(unit) \(rest) \(smaller)"
    }
    let seconds = microseconds / 1_000_000
    let minutes = seconds / 60
    if minutes < 60 { return text(minutes, "min", seconds % 60, "s") }
    if minutes < 1440 { return text(minutes / 60, "h", minutes % 60, "min") }
    return text(minutes / 1440, minutes < 2880 ? "day" : "days", minutes / 60 % 24, "h")
}
