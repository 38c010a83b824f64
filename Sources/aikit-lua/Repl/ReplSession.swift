internal import FlatValue
internal import HostEffects
internal import LuaWorkflows
internal import WorkflowCore
internal import WorkflowEngine

/// A session of `repl`: reads Lua and commands, evaluates them, and shows what they come to.
///
/// Values and results go to standard output, everything else to standard error; the main thread hears of all that goes on
/// elsewhere through the mailbox.
final class ReplSession {
    let plan: RunPlan
    let mailbox = MessageBox<ReplMessage>()
    let console = Console()
    let style = Style(.errors)
    let display: any Display
    /// Where the script's runs happen, and the script with the generation that they are of; nil without a script.
    let engine: WorkflowEngine
    let live: LiveScript?
    private let host: HostEffectsService
    private var evaluator: Evaluator?
    private var history: ReplHistory
    private var entry: [String] = []
    private var signal: Int32?
    private var hasFailed = false
    /// The script's top level is run where nobody hears of signals.
    private let start = StartPhase()
    /// Local variables of inputs that are over, whose names mean nothing any more.
    private var endedLocals: Set<Substring> = []
    /// What an evaluation came to, and what a run of a command told, until somebody deals with it.
    private var evaluation: Evaluation?
    var runMessages: [Message] = []
    /// What has been typed while something was under way.
    private var typedAhead: [Key] = []

    /// - Parameter plan: its script is empty where there is none.
    init(_ plan: RunPlan) {
        self.plan = plan
        let mailbox = mailbox
        let host = HostEffectsService(permissions: plan.permissions, secrets: plan.secrets)
        self.host = host
        display = plan.log.display()
        history = console.isInteractive ? ReplHistory() : ReplHistory(path: nil)
        // The engine's threads must not be the ones that get the signals.
        Interrupts.install { [start] signal, count in
            guard start.isOver, count == 1 else { return .ends }
            mailbox.post(.interrupted(signal: signal))
            return .goesOn
        }
        engine = WorkflowEngine(
            workers: plan.workers, host: host, journal: nil, log: mailbox.log(plan.log.threshold))
        live =
            plan.script.isEmpty
            ? nil : LiveScript(path: plan.script, on: engine, options: Self.options(mailbox))
    }

    private static func options(_ mailbox: MessageBox<ReplMessage>) -> LuaScriptOptions {
        LuaScriptOptions(print: mailbox.print, log: mailbox.log(.info))
    }

    /// Goes on until the input ends; 1 if an input failed that nobody sat before.
    func run() throws(UsageError) -> ExitStatus {
        if let live, case .failed(let error) = refresh(live) {
            TextStream.errors.show(problems(of: error))
            if ["no_such_file", "is_directory", "unreadable"].contains(error.code) { return .usage }
        }
        startEvaluator()
        start.end()
        if console.isInteractive {
            TextStream.errors.writeLine(style("aikit-lua \(engineVersion), Lua 5.4; :help lists the commands", .dim))
        }
        console.begin(signals: false)
        defer { console.end() }
        while signal == nil, let line = readLine() { if !take(line) { break } }
        if signal == nil, !entry.isEmpty { evaluate(entry.joined(separator: "\n"), isLast: true) }
        if let signal { return Interrupts.status(of: signal) }
        return hasFailed && !console.isInteractive ? .failed : .success
    }

    // MARK: Reading

    private func readLine() -> String? {
        let line = console.readLine(
            prompt: entry.isEmpty ? "> " : ">> ", history: history.lines, messages: mailbox.readEnd,
            complete: { complete($0) },
            hear: {
                hear()
                return signal == nil
            })
        switch line {
        case .text(let text):
            history.add(text)
            return text
        case .abandoned:
            entry = []
            return signal == nil ? "" : nil
        case .ended: return nil
        }
    }

    private func complete(_ text: String) -> Console.Completion? {
        guard let evaluator else { return nil }
        if case .completions(let completion) = outcome(of: { await evaluator.complete(text) }) { return completion }
        return nil
    }

    /// Carries a line out; false ends the session.
    private func take(_ line: String) -> Bool {
        switch ReplEntry(line, after: entry) {
        case .nothing: break
        case .code(let source): evaluate(source, isLast: false)
        case .run(let input): runWorkflow(input)
        case .step(let id, let input): runStep(id, input)
        case .reload: reload()
        case .help: TextStream.errors.writeLine(ReplEntry.overview)
        case .quit: return false
        case .refused(let message): fail(Problem(message))
        }
        return true
    }

    func fail(_ problem: Problem) {
        hasFailed = true
        TextStream.errors.show(problem)
    }

    // MARK: Evaluating

    /// Evaluates what has been typed; an input that is not complete waits for more, unless there is no more.
    private func evaluate(_ source: String, isLast: Bool) {
        guard let evaluator else { return }
        entry = []
        switch outcome(of: { await evaluator.evaluate(source) }) {
        case .values(let texts):
            endedLocals.formUnion(source.matches(of: #/\blocal\s+(?:function\s+)?([A-Za-z_]\w*)/#).map { $0.1 })
            for text in texts { TextStream.output.writeLine(text) }
        case .incomplete where isLast: fail(Problem("the input ends in the middle of a statement", code: "syntax"))
        case .incomplete: entry = source.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        case .completions: break
        case .failed(let error): show(error, source)
        case .cancelled: fail(Problem("stopped"))
        case .refused(let error): problems(of: error).forEach(fail)
        }
    }

    /// Shows an error with the line of the input that it is about, and without the frames of the REPL itself.
    private func show(_ error: Value, _ source: String) {
        var problem = Problem(error: error)
        problem.notes = []
        if let name = problem.message.firstMatch(of: #/^undefined global '(\w+)'$/#)?.1, endedLocals.contains(name) {
            problem.message += "; a local ends with its input, so write '\(name) = …' without local"
        }
        problem.traceback.removeAll { $0.hasPrefix((evaluator?.name ?? "repl") + ":") }
        if problem.file == Evaluator.inputName, let line = problem.line {
            let lines = source.split(separator: "\n", omittingEmptySubsequences: false)
            problem.excerpt = lines.indices.contains(line - 1) ? String(lines[line - 1]) : nil
            if lines.count == 1 { problem.traceback = [] }
        }
        fail(problem)
    }

    /// Waits for something of the evaluator; Ctrl-C stops it.
    private func outcome(of body: @escaping @Sendable () async -> Evaluation) -> Evaluation {
        let mailbox = mailbox
        evaluation = nil
        Task.detached { mailbox.post(.evaluated(await body())) }
        defer { returnKeys() }
        while true {
            let isToStop = isAskedToStop(until: nil)
            if let evaluation { return evaluation }
            if isToStop { evaluator?.cancel() }
        }
    }

    /// Waits for messages while something is under way, and keeps what is typed meanwhile; whether that is to stop.
    func isAskedToStop(until deadline: UInt64?) -> Bool {
        let keys = console.wait(for: mailbox.readEnd, until: deadline)
        hear()
        let isAsked = signal != nil || keys.contains(.control("c"))
        typedAhead = isAsked ? [] : typedAhead + keys
        return isAsked
    }

    /// Gives what was typed ahead to whoever reads next.
    func returnKeys() {
        console.putBack(typedAhead)
        typedAhead = []
    }

    /// Handles the messages that came.
    func hear() {
        for message in mailbox.takeAll() {
            switch message {
            case .evaluated(let evaluation): self.evaluation = evaluation
            case .run(let message): runMessages.append(message)
            case .log(let record): display.log(record)
            case .text(let line): TextStream.output.writeLine(line)
            case .interrupted(let signal): self.signal = signal
            }
        }
    }

    var isInterrupted: Bool { signal != nil }

    // MARK: The script

    private func refresh(_ live: LiveScript) -> ScriptRefresh { waitFor { await live.refresh() } }

    private func reload() {
        guard let live else { return fail(Problem(Self.noScript)) }
        start.begin()
        defer { start.end() }
        switch refresh(live) {
        case .live(let generation, let changed, let took):
            let text = DevText.reloaded(
                generation.number, changed: changed, microseconds: Int64(took / .microseconds(1)), staying: [])
            TextStream.errors.writeLine(style("↻", .cyan) + " " + text + "; globals start anew")
            startEvaluator()
        case .restored, .unchanged: TextStream.errors.writeLine("nothing has changed")
        case .failed(let error):
            hasFailed = true
            TextStream.errors.show(problems(of: error))
        case .missing: fail(Problem("there is no such file", file: live.path))
        }
    }

    static let noScript = "there is no script; start with one: aikit-lua repl SCRIPT"

    private func startEvaluator() {
        let (host, mailbox, path) = (host, mailbox, plan.script)
        let directory = String(path.folderPart)
        let script = live?.generation?.script.bundle.script
        let result = waitFor { () -> Result<(Evaluator, Evaluation?), any Error> in
            do {
                let evaluator = try await Evaluator(
                    directory: directory, host: host, options: Self.options(mailbox),
                    log: mailbox.log(.info))
                guard let script else { return .success((evaluator, nil)) }
                let source = String(decoding: script.source, as: UTF8.self)
                return .success((evaluator, await evaluator.open(source, path: script.path)))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success((let evaluator, let opened)):
            self.evaluator = evaluator
            if case .failed(let error) = opened { fail(Problem(error: error)) }
        case .failure(let error): problems(of: error).forEach(fail)
        }
    }
}
