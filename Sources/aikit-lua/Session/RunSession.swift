internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// One run on the command line, from its start to the program's exit status.
///
/// The main thread hears of everything through the mailbox, so the display and the terminal belong to it alone.
final class RunSession {
    private let plan: RunPlan
    private var journal: (any LastingStore)?
    private var export: TraceExport?
    private var loader: RunLoader?
    private let mailbox = Mailbox()
    private let driver: RunDriver
    private let display: any Display
    private let output = TextStream.output
    private let errors = TextStream.errors
    private var handle: RunHandle?
    /// Why the run is no longer driven here; nil while it is.
    private var leaving: LetGoReason?
    /// The run has been given back to the store.
    private var isReleased = false
    /// The run was asked to stop for good because its time was over.
    private var isCancelled = false
    /// When the run goes on by itself, in microseconds since 1970, if it waits for that.
    private var wakeAt: Int64?
    /// What the run came to when it last stood still.
    private var settled: RunResult?
    private var refusal: String?
    private var failure: (any Error)?
    /// When the run was started, in nanoseconds of the monotonic clock.
    private var startedAt: UInt64 = 0

    init(_ plan: RunPlan) {
        self.plan = plan
        driver = RunDriver(mailbox: mailbox)
        let isShared = plan.printsEvents && TextStream.output.isTerminal
        let isSilent = isShared || (plan.printsEvents && !TextStream.errors.isTerminal)
        display = plan.log.display(showsProgress: !isSilent)
    }

    /// Carries the run as far as it goes here.
    func run() -> ExitStatus {
        listen()
        // The store has threads of its own, which must not be the ones that get the signals.
        do throws(UsageError) {
            journal = try plan.store.open(creates: !plan.needsStore, durability: plan.durability) { [mailbox] in
                mailbox.post(.text($0))
            }
        } catch {
            return conclude(error)
        }
        if let timeout = plan.timeout {
            Task.detached { [mailbox] in
                try? await StayRequest.sleep(timeout)
                mailbox.post(.timedOut)
            }
        }
        export = plan.export.map { TraceExport($0, store: journal) { [mailbox] in mailbox.post(.text($0)) } }
        let loader = RunLoader(plan: plan, mailbox: mailbox, journal: journal, export: export)
        self.loader = loader
        driver.start(loader)
        while true {
            if let status = hearAll() { return status }
            if let result = settled, result.status == "waiting_human", canAsk {
                if let status = ask(result) { return status }
            } else if let result = settled {
                return conclude(result)
            }
        }
    }

    private var isStored: Bool { plan.store != .memory }

    /// A stored run is let go by the first signal and cancelled by a second Ctrl-C; in memory the first one cancels.
    private func listen() {
        let (driver, mailbox, isStored) = (driver, mailbox, isStored)
        Interrupts.install { (signal: Int32, count: Int) -> Interrupts.Response in
            switch count {
            case 1 where isStored: driver.letGo()
            case 1: driver.cancel(reason: signal == SIGTERM ? "terminated" : "interrupted")
            case 2 where isStored && signal == SIGINT: driver.cancel(reason: "interrupted")
            default: return .ends
            }
            if count == 1 { mailbox.post(.interrupted(signal: signal)) }
            return .goesOn
        }
    }

    // MARK: Hearing

    /// Waits for messages and handles them; a status ends the program.
    private func hearAll() -> ExitStatus? {
        while settled == nil {
            for message in mailbox.take(until: display.nextDraw) { handleMessage(message) }
            if let failure { return conclude(failure) }
            // A run that was given back, one that never began here, and one that goes on elsewhere.
            if let leaving, settled == nil, isReleased || handle == nil || !driver.drivesRun {
                return concludeLetGo(leaving)
            }
            if let next = display.nextDraw, next <= monotonicNanoseconds() { display.draw() }
        }
        return nil
    }

    private func handleMessage(_ message: Message) {
        switch message {
        case .progress(let events): display.take(events)
        case .past(let events): display.takePast(events)
        case .lines(let bytes): bytes.withUnsafeBytes { output.writeJSON($0) }
        case .log(let record): display.log(record)
        case .text(let line): display.print(line)
        case .doubts(let problems): show(problems, .warn)
        case .started(let handle):
            self.handle = handle
            startedAt = monotonicNanoseconds()
            display.begin(handle)
        case .settled(let record): settled = record.result()
        case .refused(let refusal): self.refusal = refusal.message
        case .failed(let error): failure = error
        case .resting(let rest): take(rest)
        case .released: isReleased = true
        case .timedOut: timeOut()
        case .interrupted(let signal):
            leave(.stopped(signal))
            sayStopping()
        }
    }

    // MARK: Leaving

    /// The first reason for leaving is the one that is told.
    private func leave(_ reason: LetGoReason) {
        if leaving == nil { leaving = reason }
    }

    private func timeOut() {
        guard leaving == nil else { return }
        if plan.cancelsOnTimeout, driver.drivesRun {
            isCancelled = true
            driver.cancel(reason: "the run took longer than --timeout allows")
        } else {
            leave(.timedOut)
            driver.letGo()
        }
    }

    /// Lets a run go that waits for longer than this process stays.
    private func take(_ rest: Rest) {
        if rest.until == 0 {
            guard leaving == nil, plan.detaches else { return }
            leave(.queued)
            return driver.letGo()
        }
        wakeAt = rest.until
        guard leaving == nil, !isCancelled, let patience = plan.patience else { return }
        guard patience == 0 || rest.left > patience else { return }
        leave(.rests)
        driver.letGo()
    }

    /// Says what a second Ctrl-C does, as long as steps that are under way keep the process.
    private func sayStopping() {
        guard isStored, handle != nil, settled == nil, driver.drivesRun else { return }
        display.print("stopping; a second Ctrl-C cancels the run")
    }

    // MARK: People

    /// A form needs a keyboard and a screen, and a run that nobody has asked to stop.
    private var canAsk: Bool { isatty(0) == 1 && errors.isTerminal && leaving == nil && !isCancelled && !plan.detaches }

    /// Asks for an answer until one is accepted; a status ends the program.
    private func ask(_ result: RunResult) -> ExitStatus? {
        guard let pending = result.pendingHuman else { return conclude(result) }
        display.suspend()
        let keyboard = Keyboard(mailbox: mailbox) { [unowned self] in try hearWhileAsking() }
        let dialogue = FormDialogue(keyboard: keyboard)
        refusal = nil
        do {
            repeat {
                let answer = try dialogue.answer(
                    step: pending.path, output: pending.output, form: pending.form,
                    schema: pending.responseSchema(in: result, of: handle?.plan), refusal: refusal)
                refusal = nil
                settled = nil
                if let handle { display.begin(handle, again: true) }
                driver.answer(pending.path, with: answer)
                while settled == nil, refusal == nil {
                    for message in mailbox.take(until: display.nextDraw) { handleMessage(message) }
                    if let failure { return conclude(failure) }
                    if let leaving, isReleased || !driver.drivesRun { return concludeLetGo(leaving) }
                    if let next = display.nextDraw, next <= monotonicNanoseconds() { display.draw() }
                }
            } while refusal != nil
            return nil
        } catch NoAnswer.left {
            errors.write("\n")
            return conclude(result)
        } catch  where leaving != nil && isStored {
            // The run waits on, and what it waits for is told.
            errors.write("\n")
            return conclude(result)
        } catch {
            // The run goes on without an answer: it was cancelled, or the time of its question is over.
            errors.write("\n")
            settled = nil
            if let handle { display.begin(handle, again: true) }
            driver.awaitRun()
            return nil
        }
    }

    /// Handles what comes while somebody types; whatever moves the run makes the question pointless.
    private func hearWhileAsking() throws {
        var isOvertaken = false
        for message in mailbox.takeAll() {
            switch message {
            case .interrupted, .timedOut, .progress: isOvertaken = true
            case .past, .lines, .log, .text, .doubts, .started, .settled, .refused, .failed, .resting, .released: break
            }
            handleMessage(message)
        }
        if isOvertaken { throw NoAnswer.overtaken }
    }

    // MARK: The end

    private func conclude(_ result: RunResult) -> ExitStatus {
        display.suspend()
        printResult(result)
        let status = status(of: result)
        let elapsed = Int64((monotonicNanoseconds() - startedAt) / 1000)
        let summary = RunSummary(result: result, plan: plan, handle: handle, elapsed: elapsed, style: style)
        if !plan.printsEvents || errors.isTerminal || status != .success {
            tell(summary.text, status == .failed ? .error : .info)
        }
        return complete(status)
    }

    private var style: Style { plan.log.format == .json ? Style(hasColours: false) : Style(errors) }

    /// Writes text for people to standard error, or one entry of the log where that is to have nothing else.
    private func tell(_ text: String, _ level: LogRecord.Level = .info) {
        guard plan.log.format == .json else { return errors.write(text) }
        var places: [(String, Value)] = []
        if let handle { places = [("workflow", Value(handle.plan.id)), ("run", Value(handle.id))] }
        let line = LogLines(.json, style: style).line(
            level.rawValue, String(text.dropLast()), places, at: SystemClock().now())
        errors.writeLine(line)
    }

    private func show(_ problems: [Problem], _ level: LogRecord.Level = .error) {
        if !problems.isEmpty { tell(ProblemPrinter(style: style).text(problems) + "\n", level) }
    }

    private func status(of result: RunResult) -> ExitStatus {
        switch result.status {
        case "success": .success
        case "cancelled": Interrupts.caught.map(Interrupts.status) ?? .failed
        case "waiting_human", "waiting": leaving?.status ?? .waiting
        default: .failed
        }
    }

    private func printResult(_ result: RunResult) {
        if plan.printsEvents {
            let entries = [("type", Value("result"))] + (result.value.entries ?? []).map { ($0.key, $0.value) }
            output.writeLine(Value(entries: entries).json)
        } else if result.status == "success" {
            output.writeLine((result.result ?? .null).prettyJSON)
        }
    }

    /// There is no run to tell of.
    private func conclude(_ error: any Error) -> ExitStatus {
        display.suspend()
        var problems = problems(of: error)
        if problems.isEmpty { problems = [Problem("\(error)")] }
        if let failure = error as? RunFailure { problems[0].notes += ways(out: failure) }
        if let failure = error as? JournalError, !plan.needsStore, handle == nil {
            problems[0].notes += ways(out: failure)
        }
        show(problems)
        return complete(.usage)
    }

    /// The commands that do what a refused one may have meant.
    private func ways(out failure: RunFailure) -> [String] {
        guard failure.code == "ambiguous_step", let id = plan.continuation?.runID,
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
    private func concludeLetGo(_ reason: LetGoReason) -> ExitStatus {
        display.suspend()
        guard let handle else {
            tell(reason.text + " before the run began\n")
            if case .timedOut = reason, plan.continuation == nil { return complete(.failed) }
            return complete(reason.status)
        }
        let notice = LetGoNotice(
            reason: reason, handle: handle, isOwn: driver.drivesRun, wakeAt: wakeAt, store: plan.store,
            style: style)
        tell(notice.text)
        return complete(reason.status)
    }

    private func complete(_ status: ExitStatus) -> ExitStatus {
        mailbox.close()
        driver.endRecovery()
        if let loader { waitFor { await loader.shutdown() } }
        if let export {
            waitFor { await export.finish(within: TraceExport.patience) }
            for case .text(let line) in mailbox.takeAll() { errors.writeLine(line) }
        }
        // What the store acknowledged is safe; closing it lets other processes take the run up at once.
        if let journal { waitFor { await journal.close() } }
        return status
    }
}
