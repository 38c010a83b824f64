internal import FlatValue
internal import LuaWorkflows
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// The scripts and runs of a VM process, in an engine of its own.
final class VMRuns: Sendable {
    private let line: HostLine
    private let engine: WorkflowEngine
    private let store: ProxyStore
    private let effects: ProxyEffects
    private let options: LuaScriptOptions
    private let lane = Lane()
    private let questions = Questions()
    private let state = Mutex(State())

    private struct State {
        var scripts: [Int64: LuaScript] = [:]
        var runs: [String: WorkflowRun] = [:]
        /// What came for scripts that are being loaded.
        var deferred: [Int64: [WireFrame]] = [:]
        /// What came for runs that are not here yet, because their script is being loaded or they are being restored.
        var early: [String: [WireFrame]] = [:]
    }

    /// - Parameter marker: where the run whose code runs is noted for the host.
    init(
        _ line: HostLine, _ settings: VMSettings, _ limits: EngineLimits, _ options: LuaScriptOptions,
        marker: UnsafeMutablePointer<UInt64>?
    ) {
        self.line = line
        self.options = options
        store = ProxyStore(line, isEager: settings.isEager)
        effects = ProxyEffects(line)
        engine = WorkflowEngine(
            workers: 1, limits: limits, host: effects, journal: store, log: options.log)
        nonisolated(unsafe) let place = marker
        engine.workers[0].perform { $0.marker = place }
        // The host lets queued runs begin.
        engine.leaveQueue()
        engine.beHosted()
    }

    func take(_ frame: WireFrame) { if !isDeferred(frame) { handle(frame) } }

    private func handle(_ frame: WireFrame) {
        let header = frame.header
        switch frame.kind {
        case .load: load(frame)
        case .told: questions.told(frame)
        case .begin:
            begin(header)
            arrived(header)
        case .restore: restore(frame)
        case .outcomes: if let outcomes = WireOutcomes(header) { store.settle(outcomes) }
        case .answer: effects.take(frame)
        case .stream: effects.stream(frame)
        case .message: if let message = InboxMessage(wire: header) { store.deliver(message) }
        case .hold:
            let id = header["run"]?.string ?? ""
            run(id)?.hold { [line] in line.send(WireFrame(.quiet, ["run": Value(id)])) }
        case .drop:
            let run = state.withLock { $0.runs.removeValue(forKey: header["run"]?.string ?? "") }
            run?.abandon(JournalError(code: .released, message: "the run has been given back"))
            let quiet: @Sendable () -> Void = { [line] in
                line.send(WireFrame(.quiet, ["run": header["run"] ?? .null]))
            }
            if let run { run.hold(quiet) } else { quiet() }
        case .forget:
            let script = state.withLock { $0.scripts.removeValue(forKey: header["script"]?.int ?? -1) }
            if let script { engine.retire(script.generation) }
        case .call: call(frame)
        case .ping: line.send(WireFrame(.pong, .emptyObject))
        case .configure, .ready, .loaded, .ask, .batch, .request, .cancel, .transient, .log, .print, .quiet, .refused,
            .returned, .pong:
            break
        }
    }

    /// Keeps a frame until its script is loaded, and its run is here; false where nothing has to be waited for.
    private func isDeferred(_ frame: WireFrame) -> Bool {
        let (script, run) = (frame.header["script"]?.int ?? -1, frame.header["run"]?.string)
        return state.withLock { state in
            switch frame.kind {
            case .begin, .restore, .call:
                let isLoading = state.deferred[script] != nil
                if let run, frame.kind != .call, isLoading || frame.kind == .restore { state.early[run] = [] }
                if isLoading { state.deferred[script]?.append(frame) }
                return isLoading
            case .message, .hold, .drop:
                guard let run, state.early[run] != nil else { return false }
                state.early[run]?.append(frame)
                return true
            default: return false
            }
        }
    }

    /// A script has been loaded, or cannot be: what came for it meanwhile is taken.
    private func loaded(_ script: Int64) {
        while let frames = state.withLock({ Self.next(script, of: &$0.deferred) }) {
            for frame in frames { handle(frame) }
        }
    }

    /// A run is here, or will not be: what came for it meanwhile is taken.
    private func arrived(_ header: Value) {
        guard let run = header["run"]?.string else { return }
        while let frames = state.withLock({ Self.next(run, of: &$0.early) }) { for frame in frames { handle(frame) } }
    }

    /// What waits under a key, in order; nil once nothing does, from when on nothing is kept any more.
    private static func next<Key>(_ key: Key, of waiting: inout [Key: [WireFrame]]) -> [WireFrame]? {
        guard let frames = waiting[key], !frames.isEmpty else {
            waiting[key] = nil
            return nil
        }
        waiting[key] = []
        return frames
    }

    private func run(_ id: String) -> WorkflowRun? { state.withLock { $0.runs[id] } }

    // MARK: Scripts

    private func load(_ frame: WireFrame) {
        guard let number = frame.header["script"]?.int, let files = WireFiles(frame), let script = files.files.first
        else {
            return
        }
        let isPinned = frame.header["pinned"]?.bool == true
        state.withLock { $0.deferred[number] = [] }
        var options = options
        options.services = ProxyServices(line, script: number, questions: questions)
        lane.perform { [self, options] in
            do throws(ScriptError) {
                let loaded =
                    isPinned
                    ? try await LuaScript.load(bundle: ScriptBundle(files: files.files), on: engine, options: options)
                    : try await LuaScript.load(script, on: engine, options: options)
                state.withLock { $0.scripts[number] = loaded }
                line.send(
                    WireFrame(.loaded, ["script": Value(number), "description": ScriptDescription(loaded).value]))
            } catch {
                line.send(WireFrame(.loaded, ["script": Value(number), "error": error.value]))
            }
            self.loaded(number)
        }
    }

    private func workflow(_ header: Value) -> Workflow? {
        let script = state.withLock { $0.scripts[header["script"]?.int ?? -1] }
        return script?.workflows.first { $0.id == header["workflow"]?.string }
    }

    // MARK: Runs

    private func begin(_ header: Value) {
        guard let id = header["run"]?.string else { return }
        guard let workflow = workflow(header) else { return refuse(id, Self.noCode(header)) }
        let run = engine.createRun(workflow, id: id)
        let isSampled = WireTrace.isSampled(header)
        run.sample { _, _ in isSampled }
        drive(run)
        do {
            var beginning = WireBeginning(header).beginning
            #if DEBUG
                if VMFault.forges("exempt") { beginning.queueing.isExempt = true }
            #endif
            try run.start(
                input: beginning.input, metadata: beginning.metadata, ctx: beginning.ctx,
                timeout: beginning.timeout > 0 ? .microseconds(beginning.timeout) : nil, at: beginning.time,
                trace: beginning.trace, tags: beginning.tags, queueing: beginning.queueing)
        } catch {
            if remove(run) { refuse(id, error) }
        }
    }

    private func restore(_ frame: WireFrame) {
        guard let id = frame.header["run"]?.string else { return }
        let isSampled = WireTrace.isSampled(frame.header)
        lane.perform { [self] in
            defer { arrived(frame.header) }
            do {
                guard let workflow = workflow(frame.header) else { throw Self.noCode(frame.header) }
                guard let stored = WireRun(frame, plan: workflow.plan, generation: workflow.generation.id) else {
                    throw RunFailure(code: "store_corrupt", message: "the journal of the run did not come whole")
                }
                drive(
                    try await engine.restore(
                        stored.journaled, stored.stored, of: workflow, sampling: { _, _ in isSampled }))
            } catch {
                refuse(id, error)
            }
        }
    }

    private static func noCode(_ header: Value) -> RunFailure {
        RunFailure(
            code: RunFailure.Code.loadFailed,
            message: "its script has no workflow \(header["workflow"]?.string ?? "") any more")
    }

    /// Calls a function that belongs to no run.
    private func call(_ frame: WireFrame) {
        let header = frame.header
        let question = header["question"] ?? .null
        guard let workflow = workflow(header), let slot = header["slot"]?.int.flatMap({ CallbackSlot(exactly: $0) }),
            let argument = try? Value(validating: frame.body)
        else {
            return line.send(
                WireFrame(
                    .returned, ["question": question, "ok": false, "code": "load_failed", "message": "no such code"]))
        }
        lane.perform { [self] in
            do {
                let value = try await engine.ask(
                    workflow, slot, named: header["name"]?.string ?? "", argument)
                line.send(
                    WireFrame(.returned, ["question": question, "ok": true], body: value.withBytes { Array($0) }))
            } catch {
                let failure = error as? RunFailure
                var entries: [(String, Value)] = [
                    ("question", question), ("ok", false), ("code", Value(failure?.code ?? "failed")),
                    ("message", Value("\(error)")),
                ]
                if let details = failure?.details { entries.append(("details", details)) }
                line.send(WireFrame(.returned, Value(entries: entries)))
            }
        }
    }

    /// Follows a run until nothing more happens to it here.
    private func drive(_ run: WorkflowRun) {
        state.withLock { $0.runs[run.id] = run }
        run.follow(TransientFeed(line))
        lane.perform { [self] in
            do {
                _ = try await run.finished()
                remove(run)
            } catch {
                if remove(run) { refuse(run.id, error) }
            }
        }
    }

    /// Whether the run was still here; another one of its name, which came after it, stays.
    @discardableResult private func remove(_ run: WorkflowRun) -> Bool {
        state.withLock { state in
            guard state.runs[run.id] === run else { return false }
            state.runs[run.id] = nil
            return true
        }
    }

    /// Gives a run back that is not driven here; the host never waits for one of which it hears nothing.
    private func refuse(_ id: String, _ error: any Error) {
        let failure = error as? RunFailure
        var entries = [
            ("run", Value(id)), ("code", Value(failure?.code ?? "failed")), ("message", Value("\(error)")),
        ]
        if let details = failure?.details { entries.append(("details", details)) }
        line.send(WireFrame(.refused, Value(entries: entries)))
    }
}

/// Passes on what the code of a run tells and nobody keeps.
private final class TransientFeed: EventFeed {
    private let line: HostLine

    init(_ line: HostLine) { self.line = line }

    func take(_ run: Run) {}

    func take(_ event: TransientEvent) {
        var entries = [("run", Value(event.runID)), ("type", Value(event.type))]
        if let path = event.path { entries.append(("path", Value(path))) }
        if event.mayHaveSecrets { entries.append(("secret", true)) }
        line.send(WireFrame(.transient, Value(entries: entries), body: event.data.withBytes { Array($0) }))
    }

    func finish() {}
}
