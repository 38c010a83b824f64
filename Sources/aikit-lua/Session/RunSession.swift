internal import SQLiteJournal
internal import WorkflowCore
internal import WorkflowEngine

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
    private var journal: SQLiteJournal?
    private let mailbox = Mailbox()
    private let driver: RunDriver
    private let display: any Display
    private let output = TextStream.output
    private let errors = TextStream.errors
    private var handle: RunHandle?
    private var signal: Int32?
    private var deadline: UInt64?
    private var hasTimedOut = false
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
        display =
            if isShared || (plan.printsEvents && !TextStream.errors.isTerminal) {
                SilentDisplay()
            } else if TextStream.errors.isTerminal && environment("TERM") != "dumb" {
                TreeDisplay()
            } else {
                PlainDisplay()
            }
    }

    /// Carries the run as far as it goes here.
    func run() -> ExitStatus {
        let driver = driver
        let mailbox = mailbox
        Interrupts.install { signal in
            driver.cancel(reason: signal == SIGTERM ? "terminated" : "interrupted")
            mailbox.post(.interrupted(signal: signal))
        }
        // The store has threads of its own, which must not be the ones that get the signals.
        journal = plan.store.open(creates: !plan.needsStore, durability: plan.durability)
        if let timeout = plan.timeout { deadline = monotonicNanoseconds() + UInt64(timeout) * 1000 }
        driver.start(RunLoader(plan: plan, mailbox: mailbox, journal: journal))
        while true {
            if let status = hearAll() { return status }
            if let result = settled, result.status == "waiting_human", canAsk {
                if let status = ask(result) { return status }
            } else if let result = settled {
                return conclude(result)
            }
        }
    }

    // MARK: Hearing

    /// Waits for messages and handles them; a status ends the program.
    private func hearAll() -> ExitStatus? {
        while settled == nil {
            for message in mailbox.take(until: nextWake) { handleMessage(message) }
            if let failure { return conclude(failure) }
            if signal != nil, handle == nil || !driver.drivesRun { return conclude(signal) }
            let now = monotonicNanoseconds()
            if let next = display.nextDraw, next <= now { display.draw() }
            if let deadline, deadline <= now { timeOut() }
        }
        return nil
    }

    private var nextWake: UInt64? {
        switch (display.nextDraw, deadline) {
        case (let draw?, let end?): min(draw, end)
        case (let one, let other): one ?? other
        }
    }

    private func handleMessage(_ message: Message) {
        switch message {
        case .progress(let events): display.take(events)
        case .past(let events): display.takePast(events)
        case .lines(let bytes): bytes.withUnsafeBytes { output.writeJSON($0) }
        case .log(let record): display.log(record)
        case .text(let line): display.print(line)
        case .doubts(let problems): errors.show(problems)
        case .started(let handle):
            self.handle = handle
            startedAt = monotonicNanoseconds()
            display.begin(handle)
        case .settled(let record): settled = record.result()
        case .refused(let refusal): self.refusal = refusal.message
        case .failed(let error): failure = error
        case .interrupted(let signal): self.signal = signal
        }
    }

    private func timeOut() {
        deadline = nil
        if !driver.drivesRun {
            failure = UsageError("the run takes longer than --timeout allows; it goes on in another process")
            return
        }
        hasTimedOut = true
        driver.cancel(reason: "the run took longer than --timeout allows")
    }

    // MARK: People

    /// A form needs a keyboard and a screen, and a run that nobody has asked to stop.
    private var canAsk: Bool { isatty(0) == 1 && errors.isTerminal && signal == nil && !hasTimedOut }

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
                    step: pending.path, output: pending.output, form: pending.form, refusal: refusal)
                refusal = nil
                settled = nil
                if let handle { display.begin(handle, again: true) }
                driver.answer(pending.path, with: answer)
                while settled == nil, refusal == nil {
                    for message in mailbox.take(until: nextWake) { handleMessage(message) }
                    if let failure { return conclude(failure) }
                    if let next = display.nextDraw, next <= monotonicNanoseconds() { display.draw() }
                }
            } while refusal != nil
            return nil
        } catch NoAnswer.left {
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
            case .interrupted, .progress: isOvertaken = true
            case .past, .lines, .log, .text, .doubts, .started, .settled, .refused, .failed: break
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
        let summary = RunSummary(result: result, plan: plan, handle: handle, elapsed: elapsed, style: Style(errors))
        if !plan.printsEvents || errors.isTerminal || status != .success { errors.write(summary.text) }
        return complete(status)
    }

    private func status(of result: RunResult) -> ExitStatus {
        switch result.status {
        case "success": .success
        case "cancelled": Interrupts.caught.map(Interrupts.status) ?? .failed
        case "waiting_human", "waiting": .waiting
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
        errors.show(problems)
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

    /// Ctrl-C came before the run had begun, or somewhere else than where it runs.
    private func conclude(_ signal: Int32?) -> ExitStatus {
        display.suspend()
        errors.writeLine(
            driver.drivesRun ? "interrupted before the run began" : "interrupted; the run goes on in another process")
        return signal.map(Interrupts.status) ?? .cancelled
    }

    private func complete(_ status: ExitStatus) -> ExitStatus {
        driver.endRecovery()
        // What the store acknowledged is safe; closing it lets other processes take the run up at once.
        if let journal { waitFor { await journal.close() } }
        guard let failure = output.failure else { return status }
        errors.show(Problem("standard output cannot be written: \(failure)"))
        return status == .success ? .failed : status
    }
}
