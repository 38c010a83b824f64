internal import FlatValue
internal import Platform
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

/// One run on the command line, from its start to the program's exit status.
///
/// The main thread hears of everything through the mailbox, so the display and the terminal belong to it alone.
final class RunSession {
    let plan: RunPlan
    var journal: (any LastingStore)?
    var export: TraceExport?
    var loader: RunLoader?
    let mailbox = Mailbox()
    let driver: RunDriver
    private let start = StartPhase()
    let display: any Display
    let output = TextStream.output
    let errors = TextStream.errors
    var handle: RunHandle?
    /// Why the run is no longer driven here; nil while it is.
    var leaving: LetGoReason?
    /// The run has been given back to the store.
    private var isReleased = false
    /// The run was asked to stop for good because its time was over.
    private(set) var isCancelled = false
    /// Until when a stored run that is let go is given back to a store that does not answer, in nanoseconds of the monotonic clock;
    /// nil while it is not.
    var leavesBy: UInt64?
    let stall = StoreStall()
    /// What the workflow does at its end, which may not keep a process that is to stop.
    var closing = ClosingWatch()
    /// When the run goes on by itself, in microseconds since 1970, if it waits for that.
    var wakeAt: Int64?
    /// Whether that time is the end of the patience with somebody, for whom alone the run waits.
    private var waitsOutside = false
    /// Something has happened since the session began to wait for that.
    private var hasMoved = false
    /// The run has recorded something.
    private(set) var hasEvents = false
    /// What the run came to when it last stood still.
    var settled: RunResult?
    /// What a run of the store has said before it is known that it goes on; nil where nothing is kept back.
    var heldBack: [Message]?
    /// What keeps secrets of the run out of what is told of its end.
    var redaction = Redaction()
    private var refusal: String?
    /// Runs that wait for somebody, and for which alone the session's run waits; empty unless that is news.
    var standstill: [StandingRun] = []
    /// An answer to such a run has been taken.
    private var isAnswered = false
    var failure: (any Error)?
    /// When the run was started, in nanoseconds of the monotonic clock.
    var startedAt: UInt64 = 0

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
            journal = try plan.store.open(
                creates: !plan.needsStore, durability: plan.durability,
                telling: { [mailbox] in mailbox.post(.text($0)) }, stalling: { [stall] in stall.set($0) })
        } catch {
            return conclude(error)
        }
        start.end()
        if let timeout = plan.timeout {
            Task.detached { [mailbox] in
                try? await StayRequest.sleep(timeout)
                mailbox.post(.timedOut)
            }
        }
        export = plan.export.map { TraceExport($0, store: journal) { [mailbox] in mailbox.post(.text($0)) } }
        if let export { waitFor { await export.begin() } }
        let loader = RunLoader(plan: plan, mailbox: mailbox, journal: journal, export: export)
        self.loader = loader
        driver.start(loader)
        while true {
            if let status = hearAll() { return status }
            if settled == nil {
                if let status = meetStandstill() { return status }
            } else if let result = settled, result.status == .waitingHuman, canAsk {
                if let status = ask(result) { return status }
            } else if let result = settled {
                guard wakesSoon(result) else { return conclude(result) }
                if let status = awaitWake() { return status }
            }
        }
    }

    var isStored: Bool { plan.store != .memory }

    /// A stored run is let go by the first signal and cancelled by a second Ctrl-C; in memory the first one cancels.
    private func listen() {
        let (driver, mailbox, isStored, start) = (driver, mailbox, isStored, start)
        Interrupts.install { (signal: Int32, count: Int) -> Interrupts.Response in
            guard start.isOver else { return .ends }
            switch count {
            case 1 where isStored: driver.letGo()
            case 1: driver.cancel(reason: Self.cancelReason(signal))
            case 2 where isStored && signal == SIGINT: driver.cancel(reason: "interrupted")
            default: return .ends
            }
            guard count == 1 else { return .goesOn }
            mailbox.post(.interrupted(signal: signal))
            // What a second one does is said once it would count.
            Task.detached {
                try? await Task.sleep(for: Interrupts.burstTime)
                mailbox.post(.stillStopping(signal: signal))
            }
            return .goesOn
        }
    }

    private static func cancelReason(_ signal: Int32) -> String {
        switch signal {
        case SIGTERM: "terminated"
        case SIGHUP: "the terminal was closed"
        default: "interrupted"
        }
    }

    // MARK: Hearing

    /// Waits for messages and handles them; a status ends the program.
    private func hearAll() -> ExitStatus? {
        while settled == nil, standstill.isEmpty {
            for message in mailbox.take(until: nextLook) { handleMessage(message) }
            if let failure { return conclude(failure) }
            // A run that was given back, one that never began here, and one that goes on elsewhere.
            if let leaving, settled == nil, isReleased || handle == nil || !driver.drivesRun {
                return concludeLetGo(leaving)
            }
            if let status = giveUp() { return status }
            if let next = display.nextDraw, next <= monotonicNanoseconds() { display.draw() }
        }
        return nil
    }

    /// How near a time has to be for a process to stay for it although it could leave the run to the store, in microseconds.
    static let nearWake: Int64 = 2_000_000

    /// Whether the run goes on by itself before anybody says anything to it, and this process stays for that: in memory, where
    /// the run would end with it, for any time, and for the end of somebody's patience as long as stored runs wait for a time.
    private func wakesSoon(_ result: RunResult) -> Bool {
        guard result.status == .waitingHuman || result.status == .waiting, let wakeAt, leaving == nil, !isCancelled
        else { return false }
        let left = wakeAt.clamped(subtracting: SystemClock().now())
        if !isStored { return !waitsOutside || left <= StayRequest.usualWait }
        // Of a stored run that asks somebody it is told at once how to answer.
        return result.pendingHuman == nil && left < Self.nearWake
    }

    /// Waits until the run has gone on, or its time has come; a status ends the program.
    private func awaitWake() -> ExitStatus? {
        let seen = wakeAt
        hasMoved = false
        while !hasMoved, let wakeAt, wakeAt == seen {
            let left = max(wakeAt.clamped(subtracting: SystemClock().now()), 0)
            let pause = min(UInt64(left), 1_000_000) * 1000 + 50_000_000
            let next = monotonicNanoseconds() + pause
            for message in mailbox.take(until: min(next, nextLook ?? next)) { handleMessage(message) }
            if let failure { return conclude(failure) }
            if let drawn = display.nextDraw, drawn <= monotonicNanoseconds() { display.draw() }
            if left == 0 { self.wakeAt = nil }
            if leaving != nil { break }
        }
        settled = nil
        driver.awaitRun()
        return nil
    }

    /// When something is to be done although no message comes, in nanoseconds of the monotonic clock.
    private var nextLook: UInt64? {
        [closing.deadline, leavesBy, display.nextDraw].compactMap { $0 }.min()
    }

    private func handleMessage(_ message: Message) {
        if heldBack != nil {
            switch message {
            case .text, .log, .lacking: heldBack?.append(message)
            default: endHoldingBack(message)
            }
            return
        }
        switch message {
        case .progress(let events):
            closing.take(events, at: monotonicNanoseconds())
            (hasMoved, hasEvents) = (true, true)
            display.take(events)
        case .past(let events):
            hasEvents = true
            display.takePast(events)
        case .lines(let bytes): bytes.withUnsafeBytes { output.writeJSON($0) }
        case .log(let record): display.log(record)
        case .text(let line): display.print(line)
        case .doubts(let problems): show(problems, .warn)
        case .takingUp: heldBack = []
        case .started(let handle):
            self.handle = handle
            startedAt = monotonicNanoseconds()
            display.begin(handle)
        case .settled(let record):
            redaction = record.redaction
            let result = record.result()
            do {
                settled = try record.telling(plan.printsEvents ? nil : result.result?.byteCount ?? 0) { result }
            } catch {
                failure = error
            }
        case .refused(let refusal): self.refusal = refusal.message
        case .failed(let error): failure = error
        case .resting(let rest): take(rest)
        case .lacking(let run):
            guard run == handle?.id else { return driver.giveBack(run) }
            leave(.unpermitted)
            driver.letGo(within: .zero)
        case .standstill(let runs): standstill = runs
        case .answered: isAnswered = true
        case .released: isReleased = true
        case .timedOut: timeOut()
        case .interrupted(let signal):
            if !isStored { closing.askToStop(at: monotonicNanoseconds()) }
            boundLeaving()
            leave(.stopped(signal))
        case .stillStopping(let signal): sayStopping(signal)
        }
    }

    /// Tells what a run said before it was known that it goes on: behind that, or before anything else.
    private func endHoldingBack(_ message: Message) {
        let said = heldBack ?? []
        heldBack = nil
        if case .started = message { handleMessage(message) }
        said.forEach(handleMessage)
        if case .started = message { return }
        handleMessage(message)
    }

    // MARK: Leaving

    /// The first reason for leaving is the one that is told.
    func leave(_ reason: LetGoReason) {
        if leaving == nil { leaving = reason }
    }

    private func timeOut() {
        guard leaving == nil else { return }
        if plan.cancelsOnTimeout, driver.drivesRun {
            isCancelled = true
            closing.askToStop(at: monotonicNanoseconds())
            driver.cancel(reason: "the run took longer than --timeout allows")
        } else {
            boundLeaving()
            leave(.timedOut)
            driver.letGo()
        }
    }

    /// How long a process that is to end waits for a store that does not answer, in nanoseconds.
    private static let leavingTime: UInt64 = 10_000_000_000

    private func boundLeaving() {
        if isStored, leavesBy == nil { leavesBy = monotonicNanoseconds() + Self.leavingTime }
    }

    /// Lets a run go that waits for longer than this process stays.
    func take(_ rest: Rest) {
        if rest.until == 0 {
            guard leaving == nil, plan.detaches else { return }
            leave(.queued)
            return driver.letGo()
        }
        (wakeAt, waitsOutside) = (rest.until, rest.waitsOutside)
        guard !rest.waitsOutside, leaving == nil, !isCancelled, let patience = plan.patience else { return }
        guard patience == 0 || rest.left > patience else { return }
        leave(.rests)
        driver.letGo()
    }

    /// Says what a second signal does, as long as code that is under way keeps the process.
    private func sayStopping(_ signal: Int32) {
        guard signal != SIGHUP, handle != nil, settled == nil, driver.drivesRun else { return }
        let (name, again) = signal == SIGTERM ? ("SIGTERM", "second one") : ("Ctrl-C", "second Ctrl-C")
        let effect = isStored && signal == SIGINT ? "cancels the run" : "ends the process at once"
        display.print("stopping for \(name); a \(again) \(effect)")
    }

    // MARK: People

    /// A form needs a keyboard and a screen, and a run that nobody has asked to stop.
    var canAsk: Bool { isatty(0) == 1 && errors.isTerminal && leaving == nil && !isCancelled && !plan.detaches }

    /// Asks for an answer until one is accepted; a status ends the program.
    ///
    /// - Parameters:
    ///   - child: the run that asks in place of the session's own, which waits for it.
    ///   - later: what there is to do where nobody answers now.
    func ask(_ result: RunResult, of child: StandingRun? = nil, later: (() -> ExitStatus?)? = nil) -> ExitStatus? {
        let plan = child?.record.plan ?? handle?.plan
        guard let pending = result.pendingHuman else { return conclude(result) }
        display.suspend()
        let keyboard = Keyboard(mailbox: mailbox) { [unowned self] in try hearWhileAsking() }
        let dialogue = FormDialogue(keyboard: keyboard)
        refusal = nil
        do {
            repeat {
                let answer = try dialogue.answer(
                    step: child.map { "\(pending.path) of run \($0.record.id)" } ?? pending.path,
                    output: pending.output, form: pending.form,
                    schema: pending.responseSchema(in: result, of: plan), refusal: refusal)
                (refusal, isAnswered) = (nil, false)
                if child == nil { settled = nil }
                if let handle { display.begin(handle, again: true) }
                driver.answer(pending.path, of: child?.record.id, with: answer)
                while settled == nil, refusal == nil, !isAnswered {
                    for message in mailbox.take(until: nextLook) { handleMessage(message) }
                    if let failure { return conclude(failure) }
                    if let leaving, isReleased || !driver.drivesRun { return concludeLetGo(leaving) }
                    if let status = giveUp() { return status }
                    if let next = display.nextDraw, next <= monotonicNanoseconds() { display.draw() }
                }
            } while refusal != nil
            return nil
        } catch NoAnswer.left {
            errors.write("\n")
            return later.map { $0() } ?? conclude(result)
        } catch  where leaving != nil && isStored {
            // The run waits on, and what it waits for is told.
            errors.write("\n")
            return child == nil ? conclude(result) : nil
        } catch {
            // The run goes on without an answer: it was cancelled, or the time of its question is over.
            errors.write("\n")
            if child != nil {
                if let handle { display.begin(handle, again: true) }
                return nil
            }
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
            case .interrupted, .timedOut, .progress, .standstill: isOvertaken = true
            case .past, .lines, .log, .text, .doubts, .takingUp, .started, .settled, .refused, .failed, .resting,
                .lacking, .answered, .released, .stillStopping:
                break
            }
            handleMessage(message)
        }
        if isOvertaken { throw NoAnswer.overtaken }
    }
}
