package import LuaWorkflows
internal import WorkflowCore
package import WorkflowEngine

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// How Lua is kept apart from the process that holds the store and the effects.
package struct VMOptions: Sendable {
    /// The program that is started with ``VMProgram/word``.
    package var program: String
    /// Threads that run Lua in the process.
    package var workers: Int
    /// Refuses a process that the system does not lock in every way.
    package var isStrict = false
    /// Gets what scripts print and log.
    package var script: LuaScriptOptions
    /// Gets lines for people about processes that died.
    package var told: @Sendable (String) -> Void = { _ in }
    /// Scripts may ask for faults by what they log; only test builds have them.
    package var hasFaults = false

    package init(program: String, workers: Int, script: LuaScriptOptions) {
        self.program = program
        self.workers = workers
        self.script = script
    }
}

/// Drives runs in a locked VM process, and keeps what they record.
///
/// It believes nothing that the process says: frames are checked, events are decoded with validation and only continue runs that the
/// process was given, and what a run may do stands in a table of its own. A process that dies, or breaks the protocol, is replaced;
/// its runs go on from the store, and a step that ends its process ``RunMachine/crashLimit`` times ends with the code `vm_crashed`.
///
/// All of its state belongs to one thread.
package final class VMSupervisor: @unchecked Sendable {
    let store: any RunStore
    let host: any HostEffects
    /// Looks after queued runs; it drives none.
    let engine: WorkflowEngine
    let options: VMOptions
    private let inbox = Inbox<(VMSupervisor) -> Void>()

    // What follows belongs to the supervisor's thread.

    var child: VMChild?
    var scripts: [Int64: HostedScript] = [:]
    var lastScript: Int64 = 0
    var runs: [String: HostedRun] = [:]
    /// Host requests that the process has made, by its numbers.
    var calls: [Int64: HostedCall] = [:]
    /// The number of the last message that came from no store; they count downwards.
    var lastMessage: Int64 = 0
    private var isStopping = false
    private var stopped: [CheckedContinuation<Void, Never>] = []

    /// - Parameters:
    ///   - store: where the runs are kept; this supervisor takes its inbox.
    ///   - engine: one with the same store, which is given no run of it.
    package init(store: any RunStore, host: any HostEffects, engine: WorkflowEngine, options: VMOptions) {
        self.store = store
        self.host = host
        self.engine = engine
        self.options = options
        WorkerThread.start { [self] in
            var taken: [(VMSupervisor) -> Void] = []
            while true {
                inbox.take(into: &taken, waiting: nil)
                for work in taken { work(self) }
                taken.removeAll(keepingCapacity: true)
                if isStopping, child == nil { break }
            }
            for continuation in stopped { continuation.resume() }
            stopped = []
        }
        store.watchInbox { [weak self] messages in
            self?.perform { supervisor in for message in messages { supervisor.forward(message) } }
        }
    }

    /// Has something done on the supervisor's thread; dropped once it has stopped.
    func perform(_ work: @escaping @Sendable (VMSupervisor) -> Void) { inbox.post(work) }

    /// Ends the process and whatever waits for it. The store stays open.
    package func shutdown() async {
        await withCheckedContinuation { continuation in
            let posted = inbox.post { supervisor in
                supervisor.stopped.append(continuation)
                guard !supervisor.isStopping else { return }
                supervisor.isStopping = true
                for run in supervisor.runs.values { run.lose(.vmStopped, in: supervisor) }
                supervisor.child?.kill(because: nil)
            }
            if !posted { continuation.resume() }
        }
    }

    // MARK: The process

    /// The process, started if there is none; nil when the supervisor is stopping.
    @discardableResult
    func liveChild() -> VMChild? {
        if isStopping { return nil }
        if let child { return child }
        // Local time is all that the environment tells, and no debugger is to be started when the process dies.
        let zone = getenv("TZ").map { String(cString: $0) } ?? ":/etc/localtime"
        let made = VMChild(
            program: options.program, word: VMProgram.word, environment: ["TZ=\(zone)", "SWIFT_BACKTRACE=enable=no"]
        ) { [weak self] child, notice in
            guard let self else { return child.kill(because: nil) }
            perform { $0.take(notice, from: child) }
        }
        child = made
        let scriptMemory = options.script.memoryLimit
        // Each thread's VM and its stack, and as much again as one VM for the engine and the logs of runs.
        let room = scriptMemory > 0 ? (UInt64(scriptMemory) + (128 << 20)) * UInt64(options.workers) + (2 << 30) : 0
        made.send(
            VMSettings(
                workers: options.workers, memory: room, scriptMemory: scriptMemory, hasFaults: options.hasFaults
            ).frame)
        return made
    }

    private func take(_ notice: VMChild.Notice, from child: VMChild) {
        switch notice {
        case .frame(let frame):
            defer { child.handled(frame) }
            guard child === self.child, !child.isKilled else { return }
            do throws(FrameFault) { try handle(frame, from: child) } catch {
                child.kill(because: "it sent \(error.description)")
            }
        case .ended(let end): if child === self.child { ended(end) }
        }
    }

    private func handle(_ frame: Frame, from child: VMChild) throws(FrameFault) {
        switch frame.kind {
        case .ready: try ready(frame.header)
        case .loaded: try loaded(frame.header)
        case .ask: try asked(frame.header)
        case .batch: try record(frame, from: child)
        case .request: try request(frame, from: child)
        case .cancel: calls.removeValue(forKey: frame.header["call"]?.int ?? 0)?.operation?.cancel()
        case .transient: try tell(frame)
        case .log: try log(frame.header)
        case .print: try printed(frame.header)
        case .quiet: runs[frame.header["run"]?.string ?? ""]?.quieten()
        case .refused: try refused(frame.header)
        case .configure, .load, .told, .begin, .restore, .outcomes, .answer, .stream, .message, .hold, .drop:
            throw FrameFault("a frame of the host")
        }
    }

    private func ready(_ header: Value) throws(FrameFault) {
        guard let bits = header["locks"]?.int.flatMap({ UInt32(exactly: $0) }) else { throw FrameFault("no locks") }
        let missing = VMLocks.missing(bits)
        guard !missing.isEmpty else { return }
        guard options.isStrict else {
            return options.told("the system locks the process in which Lua runs without \(missing)")
        }
        let failure = RunFailure(
            code: "not_isolated", message: "the system does not lock processes as --isolate=strict wants: \(missing)")
        for number in scripts.keys { fail(script: number, failure) }
        for run in runs.values { run.lose(failure, in: self) }
        child?.kill(because: failure.message)
    }

    /// Replaces a process that is gone, and has its runs go on from the store.
    private func ended(_ end: VMChild.End) {
        child = nil
        for call in calls.values { call.operation?.cancel() }
        calls = [:]
        if isStopping { return }
        let why = end.fault ?? end.signal.map { "it died of \($0)" } ?? "it ended by itself"
        for (number, script) in scripts where script.isLoading {
            fail(
                script: number,
                ScriptError(
                    code: "vm_crashed", file: script.source.bundle.script.path,
                    message: "the process that loaded the script is gone: \(why)"))
        }
        let open = runs.values.filter { !$0.isGone }
        guard !open.isEmpty else { return }
        options.told("the process in which Lua ran is gone: \(why); its runs go on in another one")
        for number in Set(open.map(\.script)) { reload(number) }
        let inCompany = open.count { $0.isRunning } > 1
        for run in open { run.revive(after: end, inCompany: inCompany, in: self) }
    }

    // MARK: What it tells

    private func tell(_ frame: Frame) throws(FrameFault) {
        guard let run = runs[frame.header["run"]?.string ?? ""], let type = frame.header["type"]?.string else {
            throw FrameFault("something of a run that is not its own")
        }
        run.stream(
            TransientEvent(
                type: type, workflowID: run.workflow.id, runID: run.id, path: frame.header["path"]?.string,
                data: try frame.value))
    }

    private func log(_ header: Value) throws(FrameFault) { options.script.log(try record(header)) }

    private func printed(_ header: Value) throws(FrameFault) {
        let record = try record(header)
        if let printed = options.script.printed { printed(record) } else { options.script.print(record.message) }
    }

    private func record(_ header: Value) throws(FrameFault) -> LogRecord {
        let id = header["run"]?.string ?? ""
        let run = runs[id]
        guard run != nil || id.isEmpty, let record = LogRecord(wire: header, workflow: run?.workflow.id ?? "") else {
            throw FrameFault("a line of the log that is none")
        }
        return record
    }

    private func refused(_ header: Value) throws(FrameFault) {
        guard let run = runs[header["run"]?.string ?? ""], let code = header["code"]?.string else {
            throw FrameFault("a refusal of a run that is not its own")
        }
        run.lose(
            RunFailure(code: code, message: header["message"]?.string ?? code, details: header["details"]), in: self)
    }
}

extension Frame {
    /// The body as one value.
    var value: Value {
        get throws(FrameFault) {
            do { return try Value(validating: body) } catch { throw FrameFault("a body that is no value: \(error)") }
        }
    }
}

extension RunFailure {
    static let vmStopped = RunFailure(
        code: "engine_stopped", message: "the process has stopped; a run that is stored can be taken up again")
}
