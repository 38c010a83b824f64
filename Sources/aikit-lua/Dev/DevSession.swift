internal import FlatValue
internal import HostEffects
internal import LuaWorkflows
internal import Platform
internal import WorkflowCore
internal import WorkflowDiagram
internal import WorkflowEngine

/// A session of `dev`: runs the script, and runs it again whenever it or one of its modules has been saved.
///
/// The main thread hears of everything through the mailbox, so the display and the terminal belong to it alone.
final class DevSession {
    private var plan: RunPlan
    /// The path of the first step that runs again after a save; nil for the first one that has changed.
    private let from: String?
    private let asksStoreForInput: Bool
    private let servesDashboard: Bool
    private let mailbox = MessageBox<DevMessage>()
    private let terminal = Console()
    private let display: any Display
    private let errors = TextStream.errors
    private let style = Style(.errors)
    private var host: DevHost?
    private var runs = DevRuns()
    private var handles: [Int: DevRun] = [:]
    /// The newest run that came to something, from which the next one goes on.
    private var source: DevSource?
    /// The run on the screen: the newest one.
    private var shown: Int?
    private var screen: DevRun?
    /// The run on the screen has gone on since it was last looked at.
    private var hasMoved = false
    private var startedAt: UInt64 = 0
    /// What the run on the screen came to, as long as nobody has dealt with it.
    private var settled: RunResult?
    /// What keeps secrets of that run out of what is told of its end.
    private var redaction = Redaction()
    private var refusal: String?
    private var signal: Int32?
    private var isOver = false

    /// - Parameters:
    ///   - from: the path of the first step that runs again after a save; nil for the first one that has changed.
    ///   - asksStoreForInput: whether the input is that of the last failed run, if the store has one.
    ///   - servesDashboard: whether the runs are shown on a dashboard too.
    init(_ plan: RunPlan, from: String?, asksStoreForInput: Bool, servesDashboard: Bool = false) {
        self.servesDashboard = servesDashboard
        self.plan = plan
        self.from = from
        self.asksStoreForInput = asksStoreForInput
        display = plan.log.display(footer: terminal.isInteractive ? DevText.runningKeys : nil)
    }

    /// Goes on until it is told to end.
    ///
    /// - Throws: ``UsageError`` when the script is not there at the start.
    func run() throws(UsageError) -> ExitStatus {
        let mailbox = mailbox
        Interrupts.install { mailbox.post(.interrupted(signal: $0)) }
        guard access(plan.script, F_OK) == 0 else {
            throw UsageError(Problem("there is no such file", file: plan.script))
        }
        let host = DevHost(
            plan, journal: try plan.store.open(creates: true, durability: plan.durability),
            asksForInput: asksStoreForInput, servesDashboard: servesDashboard, mailbox: mailbox)
        self.host = host
        terminal.begin()
        defer { terminal.end() }
        host.start()
        while !isOver {
            if let result = settled { conclude(result) }
            if display.nextDraw == nil { terminal.showHint(hint) }
            let keys = terminal.wait(for: mailbox.readEnd, until: display.nextDraw)
            hearAll()
            for key in keys { if let key = DevKey(key) { act(on: key) } }
            if let next = display.nextDraw, next <= monotonicNanoseconds() { display.draw() }
        }
        finish()
        host.stop()
        return signal.map(Interrupts.status) ?? .success
    }

    private var hint: String {
        guard let generation = host?.live.generation else { return "waiting · q quit · ? help" }
        return "gen \(generation.number) · \(DevText.keys)"
    }

    // MARK: Hearing

    private func hearAll() {
        for message in mailbox.takeAll() {
            terminal.hideHint()
            switch message {
            case .refreshed(let refresh): take(refresh)
            case .input(let input, let run):
                plan.input = input
                say { errors.writeLine(style("· " + DevText.input(input, of: run), .dim)) }
            case .run(let number, let message): take(message, of: number)
            case .log(let record): display.log(record)
            case .text(let line): display.print(line)
            case .note(let text): say { errors.writeLine(style("· " + text, .dim)) }
            case .failed(let error): say { errors.show(problems(of: error)) }
            case .interrupted(let signal):
                self.signal = signal
                isOver = true
            }
        }
    }

    private func take(_ refresh: ScriptRefresh) {
        switch refresh {
        case .unchanged: break
        case .live(let generation, let changed, let took):
            let text = DevText.reloaded(
                generation.number, changed: changed, microseconds: Int64(took / .microseconds(1)),
                staying: runs.staying(before: generation.number))
            say {
                errors.writeLine(style("↻", .cyan) + " " + text)
                errors.show((generation.script.warnings + generation.script.findings).map(Problem.init))
            }
            startRun(goesOn: true)
        case .restored(let generation):
            say { errors.writeLine(style("↻", .cyan) + " " + DevText.restored(generation.number)) }
            startRun(goesOn: true)
        case .failed(let error):
            say {
                errors.show(problems(of: error))
                errors.writeLine(style("✗", .red) + " " + DevText.refused(live: host?.live.generation?.number))
            }
        case .missing:
            let text = DevText.missing(plan.script, live: host?.live.generation?.number)
            say { errors.writeLine(style("✗", .red) + " " + text) }
        }
    }

    private func take(_ message: Message, of number: Int) {
        switch message {
        case .progress(let events):
            guard number == shown, let screen else { return }
            hasMoved = true
            if display.nextDraw == nil { display.begin(screen.handle, again: true) }
            display.take(events)
        case .past(let events):
            if number == shown { display.takePast(events) }
        case .settled(let record): settle(record, of: number)
        case .refused(let refusal): if number == shown { self.refusal = refusal.message }
        case .failed(let error):
            _ = runs.end(number)
            handles[number] = nil
            say { errors.show(problems(of: error)) }
        case .released:
            _ = runs.end(number)
            if let run = handles.removeValue(forKey: number) {
                let command =
                    "aikit-lua runs recover \(shellQuoted(run.handle.id))\(plan.store.arguments)"
                    + plan.secretSettings.arguments
                say { errors.writeLine("run \(run.handle.id) is not over; it goes on with: \(command)") }
            }
        case .text(let line): if number == shown { display.print(line) }
        case .lines, .log, .doubts, .takingUp, .started, .resting, .lacking, .standstill, .answered, .timedOut,
            .interrupted, .stillStopping:
            break
        }
    }

    private func settle(_ record: RunRecord, of number: Int) {
        if let run = handles[number], record.status != .cancelled, number >= source?.run ?? 0 {
            source = DevSource(run: number, input: run.input, record: record)
        }
        if record.isOver {
            handles[number] = nil
            // The end may be told twice: to whoever waited for it, and to whoever answered a person's step.
            guard let entry = runs.end(number) else { return }
            if number != shown {
                say { errors.writeLine(style("· " + DevText.ended(entry, status: record.statusName), .dim)) }
            }
        }
        if number == shown {
            settled = record.result()
            redaction = record.redaction
        }
    }

    /// Writes for people, with the tree left as it stands.
    private func say(_ body: () -> Void) {
        terminal.hideHint()
        display.suspend()
        body()
        // The tree of a run that goes on is drawn again below.
        if let shown, let screen, runs.isInFlight(shown), settled == nil { display.begin(screen.handle, again: true) }
    }

    // MARK: Runs

    /// Runs the live generation with the input of last time; the run before, if it goes on, leaves the screen.
    ///
    /// - Parameter goesOn: whether the run takes what an earlier one recorded, as far as that still holds.
    private func startRun(goesOn: Bool) {
        guard let host, let generation = host.live.generation,
            let workflow = try? choose(plan.workflow, in: generation.script.workflows)
        else { return }
        terminal.hideHint()
        display.suspend()
        let number = runs.begin(on: generation.number)
        let origin =
            goesOn
            ? DevOrigin(workflow.plan, input: plan.input, after: source, from: from, isFirst: number == 1)
            : .start(reason: nil)
        let mailbox = mailbox
        let id = number == 1 ? plan.runID : nil
        let run = DevRun(
            host.engine.createRun(workflow, id: id, grant: plan.permissions.grant), input: plan.input,
            generation: generation.number, origin: origin
        ) {
            mailbox.post(.run(number, $0))
        }
        handles[number] = run
        screen = run
        shown = number
        settled = nil
        startedAt = monotonicNanoseconds()
        display.begin(run.handle)
        run.start(metadata: plan.metadata, ctx: plan.ctx)
    }

    /// Deals with a run that is over or waits for somebody.
    private func conclude(_ result: RunResult) {
        settled = nil
        if result.status == .waitingHuman, terminal.isInteractive { return ask(result) }
        terminal.hideHint()
        display.suspend()
        if result.status == .success { TextStream.output.writeLine((result.result ?? .null).prettyJSON) }
        let elapsed = Int64((monotonicNanoseconds() - startedAt) / 1000)
        let summary = RunEndText(
            result: result, redaction: redaction, plan: plan, handle: screen?.handle, elapsed: elapsed, style: style,
            goesOn: true)
        errors.write(summary.text)
    }

    /// Ends what is under way, as far as it lets itself be ended in a moment; runs that are stored are let go.
    private func finish() {
        for run in handles.values {
            if plan.store == .memory {
                run.cancel(reason: signal == nil ? "the session ended" : "interrupted")
            } else {
                run.letGo()
            }
        }
        let deadline = monotonicNanoseconds() + 1_500_000_000
        while !runs.inFlight.isEmpty, monotonicNanoseconds() < deadline {
            _ = terminal.wait(for: mailbox.readEnd, until: deadline)
            hearAll()
            if let result = settled { conclude(result) }
        }
        terminal.hideHint()
        display.suspend()
    }

    // MARK: Keys

    private func act(on key: DevKey) {
        terminal.hideHint()
        switch key {
        case .runAgain: startRun(goesOn: false)
        case .cancel: cancelRuns()
        case .quit: isOver = true
        case .help: say { errors.writeLine(DevText.help) }
        case .graph: showGraph()
        case .editInput: editInput()
        }
    }

    private func cancelRuns() {
        if handles.isEmpty { return say { errors.writeLine(style("no run is under way", .dim)) } }
        for run in handles.values { run.cancel(reason: "cancelled") }
    }

    private func showGraph() {
        guard let script = host?.live.generation?.script,
            let workflow = try? choose(plan.workflow, in: script.workflows)
        else { return }
        let lines = OutlineTree(style: style).lines(of: WorkflowOutline(workflow.plan))
        say { errors.writeLine(lines.joined(separator: "\n")) }
    }

    private func editInput() {
        display.suspend()
        let usual = plan.input.json
        var draft = usual
        while true {
            let line = terminal.readLine(
                draft, prompt: "input: ", history: draft == usual ? [] : [usual], messages: mailbox.readEnd,
                hear: {
                    hearAll()
                    return !isOver
                })
            guard case .text(let text) = line else { return }
            do throws(UsageError) {
                plan.input = try JSONArgument.read(text, option: "input")
                return startRun(goesOn: false)
            } catch {
                // What was typed stays to be mended; without a terminal there is nobody to mend it.
                errors.show(error.problem)
                guard terminal.isInteractive else { return }
                draft = text
            }
        }
    }

    // MARK: People

    /// Asks for an answer until one is accepted, or the run does not wait for it any more.
    private func ask(_ result: RunResult) {
        guard let pending = result.pendingHuman, let screen, let number = shown else { return }
        terminal.hideHint()
        display.suspend()
        TerminalMode.restore()
        defer { terminal.begin() }
        hasMoved = false
        refusal = nil
        let keyboard = Keyboard(mailbox: mailbox) { [unowned self] in
            hearAll()
            if isOver || hasMoved || shown != number { throw NoAnswer.overtaken }
        }
        let dialogue = FormDialogue(keyboard: keyboard)
        do {
            repeat {
                let answer = try dialogue.answer(
                    step: pending.path, output: pending.output, form: pending.form,
                    schema: pending.responseSchema(in: result, of: screen.handle.plan), refusal: refusal)
                refusal = nil
                display.begin(screen.handle, again: true)
                screen.answer(pending.path, with: answer)
                while settled == nil, refusal == nil, shown == number, !isOver {
                    let keys = terminal.wait(for: mailbox.readEnd, until: display.nextDraw)
                    hearAll()
                    for key in keys { if DevKey(key) == .cancel { cancelRuns() } }
                    if let next = display.nextDraw, next <= monotonicNanoseconds() { display.draw() }
                }
            } while refusal != nil
        } catch {
            errors.write("\n")
        }
    }
}
