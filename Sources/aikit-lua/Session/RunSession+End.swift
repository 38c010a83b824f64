internal import FlatValue
internal import Platform
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

/// How a command ends: with what its run came to, or without it.
extension RunSession {
    func conclude(_ result: RunResult) -> ExitStatus {
        display.suspend()
        printResult(result)
        let status = status(of: result)
        let elapsed = Int64((monotonicNanoseconds() - startedAt) / 1000)
        let summary = RunEndText(
            result: result, redaction: redaction, plan: plan, handle: handle, elapsed: elapsed, style: style)
        if !plan.printsEvents || errors.isTerminal || status != .success {
            tell(summary.text, status == .failed ? .error : .info)
        }
        return complete(status)
    }

    var style: Style { plan.log.format == .json ? Style(hasColours: false) : Style(errors) }

    /// Writes text for people to standard error, or one entry of the log where that is to have nothing else.
    func tell(_ text: String, _ level: LogRecord.Level = .info) {
        guard plan.log.format == .json else { return errors.write(text) }
        var places: [(String, Value)] = []
        if let handle { places = [("workflow", Value(handle.plan.id)), ("run", Value(handle.id))] }
        let line = LogLines(.json, style: style).line(
            level.rawValue, String(text.dropLast()), places, at: SystemClock().now())
        errors.writeLine(line)
    }

    func show(_ problems: [Problem], _ level: LogRecord.Level = .error) {
        if !problems.isEmpty { tell(ProblemPrinter(style: style).text(problems) + "\n", level) }
    }

    func status(of result: RunResult) -> ExitStatus {
        switch result.status {
        case .success: .success
        case .cancelled: Interrupts.caught.map(Interrupts.status) ?? .failed
        case .waitingHuman, .waiting: leaving?.status ?? .waiting
        case .failed, .queued, .running: .failed
        }
    }

    private func printResult(_ result: RunResult) {
        if plan.printsEvents {
            output.writeLine(Self.told(result, of: handle).json)
        } else if result.status == .success {
            output.writeLine((result.result ?? .null).prettyJSON)
        }
    }

    /// The line of the result: a run that stands still has a time at which it came to that, and what it asks names the run.
    static func told(_ result: RunResult, of handle: RunHandle?) -> Value {
        var entries = [("type", Value("result"))]
        for (key, value) in result.value.entries ?? [] {
            switch key {
            case "pendingHuman": entries.append((key, named(value, handle)))
            case "pending": entries.append((key, Value(array: (value.array ?? []).map { named($0, handle) })))
            default: entries.append((key, value))
            }
            if key == "startedAt", result.finishedAt == nil, let time = pause(of: result) {
                entries.append(("finishedAt", Value(time)))
            }
        }
        return Value(entries: entries)
    }

    private static func named(_ pending: Value, _ handle: RunHandle?) -> Value {
        guard let handle else { return pending }
        let head = [("runId", Value(handle.id)), ("workflowId", Value(handle.plan.id))]
        return Value(entries: head + (pending.entries ?? []).map { ($0.key, $0.value) })
    }

    /// When a run came to stand still that waits, in milliseconds since 1970; nil for one that runs.
    static func pause(of result: RunResult) -> Int64? {
        guard result.status == .waitingHuman || result.status == .waiting else { return nil }
        let times = result.steps.map { $0.finishedAt ?? $0.startedAt } + result.pending.map(\.requestedAt)
        return times.max() ?? result.startedAt
    }

    /// There is no run to tell of.
    func conclude(_ error: any Error) -> ExitStatus {
        // A run that was to be given back to a store which refuses it is no worse off than one whose process is killed.
        if let leaving, isStored, handle != nil, let trouble = Self.storeTrouble(error) {
            return concludeLetGo(leaving, doubt: trouble)
        }
        display.suspend()
        var problems = problems(of: error)
        if problems.isEmpty { problems = [Problem("\(error)")] }
        if let failure = error as? RunFailure { problems[0].notes += ways(out: failure) }
        if let failure = error as? JournalError, !plan.needsStore, handle == nil {
            problems[0].notes += ways(out: failure)
        }
        show(problems.notingWorkingFolder())
        return complete(.usage)
    }

    /// What a store cannot do at the moment, in words; nil for any other error.
    private static func storeTrouble(_ error: any Error) -> String? {
        switch error {
        case let error as JournalError where error.code.hasPrefix("store_"): error.told
        case let error as RunFailure where error.code.hasPrefix("store_"): error.told
        default: nil
        }
    }

    /// The commands that do what a refused one may have meant.
    private func ways(out failure: RunFailure) -> [String] {
        guard failure.code == RunFailure.Code.ambiguousStep, let id = plan.continuation?.runID,
            let paths = failure.details?["waiting"]?.array
        else { return [] }
        return paths.compactMap(\.string).map { path in
            "aikit-lua resume \(id) --step \(shellQuoted(path)) --data …\(plan.store.arguments)"
        }
    }

    private func ways(out failure: JournalError) -> [String] {
        ["to run without a store: --store memory; it then ends with the process"]
    }

    /// The run goes on without this process, or never began in it.
    ///
    /// - Parameter doubt: why its last state may not be in the store; nil where it is.
    func concludeLetGo(_ reason: LetGoReason, doubt: String? = nil) -> ExitStatus {
        display.suspend()
        // What decides how a run begins may take its time: the store has nothing of the run before that.
        guard let handle, hasEvents || plan.continuation != nil || !driver.drivesRun else {
            tell(reason.text + " before the run began\n")
            if case .timedOut = reason, plan.continuation == nil { return complete(.failed) }
            return complete(reason.status)
        }
        let notice = LetGoNotice(
            reason: reason, handle: handle, isOwn: driver.drivesRun, wakeAt: wakeAt, store: plan.store,
            doubt: doubt ?? stall.reason, style: style)
        if case .awaits(let runs) = reason, notice.doubt == nil {
            tell(text(of: runs))
            return complete(reason.status)
        }
        tell(notice.text, notice.doubt == nil ? .info : .warn)
        return complete(reason.status)
    }

    /// Ends with a run that does not come to its end in time; nil while there is time.
    func giveUp() -> ExitStatus? { giveUpClosing() ?? giveUpStore() }

    /// Ends with a run that was to be given back to a store which does not answer.
    private func giveUpStore() -> ExitStatus? {
        guard settled == nil, let deadline = leavesBy, deadline <= monotonicNanoseconds() else { return nil }
        if driver.isCancelled, stall.reason == nil {
            // What a second signal began, such as the undoing of steps, takes the time that it takes.
            leavesBy = nil
            return nil
        }
        return concludeLetGo(leaving ?? .timedOut, doubt: stall.reasonAtEnd)
    }

    /// Ends with a run that was asked to stop and whose code of the end has used up its time.
    private func giveUpClosing() -> ExitStatus? {
        guard settled == nil, let deadline = closing.deadline, deadline <= monotonicNanoseconds() else { return nil }
        if isStored { return concludeLetGo(leaving ?? .timedOut) }
        display.suspend()
        let workflow = handle?.plan.id ?? "the run"
        tell(Style(errors)("■", .yellow) + " \(workflow) was given up: \(closing.name) went on after the stop\n")
        return complete(Interrupts.caught.map(Interrupts.status) ?? .failed)
    }

    func complete(_ status: ExitStatus) -> ExitStatus {
        for case .text(let line) in heldBack ?? [] { errors.writeLine(line) }
        mailbox.close()
        driver.endRecovery(by: leavesBy)
        if let export {
            waitFor(until: leavesBy.map { $0 + Self.exportTime }) { [loader] in
                guard let loader else { return await export.finish(within: TraceExport.patience) }
                await export.finish(loader.engine, within: TraceExport.patience)
            }
            for case .text(let line) in mailbox.takeAll() { errors.writeLine(line) }
        }
        if let loader { waitFor(until: leavesBy) { await loader.shutdown() } }
        // What the store acknowledged is safe; closing it lets other processes take the run up at once.
        if let journal { waitFor(until: leavesBy) { await journal.close() } }
        return status
    }

    /// What spans may take besides, in nanoseconds.
    private static var exportTime: UInt64 { UInt64(max(0, TraceExport.patience / .nanoseconds(1))) }
}
