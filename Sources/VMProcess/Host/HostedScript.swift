internal import FlatValue
internal import LuaWorkflows
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// One version of a script whose runs VM processes drive.
final class HostedScript: RunDriving {
    /// Under which the processes know it.
    let number: Int64
    private let pool: VMPool
    private let state: Mutex<State>

    private struct State {
        var source: ScriptSource
        /// Nothing is added any more to what has been loaded.
        var isLoaded = false
        var paths: [String: NodePaths] = [:]
    }

    init(_ number: Int64, _ source: ScriptSource, in pool: VMPool) {
        self.number = number
        self.pool = pool
        state = Mutex(State(source: source))
    }

    /// The files that it was given, and what it asked for besides.
    var source: ScriptSource { state.withLock { $0.source } }

    /// The process that loaded it is gone.
    static let crashedCode = "vm_crashed"

    var stopped: ScriptError { error("engine_stopped", "the engine has stopped") }

    func error(_ code: String, _ message: String) -> ScriptError {
        ScriptError(code: code, file: source.bundle.script.path, message: message)
    }

    func endLoading() { state.withLock { $0.isLoaded = true } }

    /// Looks for a module that it asks for. Any thread.
    func find(module name: String) -> ModuleFinding {
        state.withLock { state in
            state.isLoaded ? .missing(places: "the files that were loaded") : state.source.find(module: name)
        }
    }

    func paths(of workflow: Workflow) -> NodePaths {
        state.withLock { state in
            if let known = state.paths[workflow.id] { return known }
            let paths = NodePaths(workflow.plan)
            state.paths[workflow.id] = paths
            return paths
        }
    }

    func loadFrame(isPinned: Bool) -> WireFrame {
        let bundle = source.bundle
        let files = WireFiles(isPinned ? bundle.files : [bundle.script])
        return WireFrame(
            .load, ["script": Value(number), "files": files.header, "pinned": Value(isPinned)], body: files.body)
    }

    // MARK: Runs

    func begin(_ run: Run, with beginning: RunBeginning, on worker: Worker) {
        guard let station = pool.station(of: worker) else { return }
        let hosted = HostedRun(run, of: self, .fresh(beginning))
        run.mirror?.seat = hosted
        station.give(hosted)
    }

    func goOn(_ run: Run, on worker: Worker) {
        guard let station = pool.station(of: worker) else { return }
        let hosted = HostedRun(run, of: self, .recorded)
        run.mirror?.seat = hosted
        station.give(hosted)
    }

    func deliver(
        _ message: InboxMessage, to run: Run, on worker: Worker, answered: @escaping @Sendable (InboxAnswer) -> Void
    ) {
        guard let station = pool.station(of: worker), let hosted = run.hosted else {
            return answered(.refused(code: "engine_stopped", message: "the run is not driven any more"))
        }
        station.deliver(message, to: hosted, answered)
    }

    func hold(_ run: Run, on worker: Worker) {
        guard let hosted = run.hosted else { return }
        pool.station(of: worker)?.hold(hosted)
    }

    func drop(_ run: Run, on worker: Worker) {
        guard let hosted = run.hosted else { return }
        pool.station(of: worker)?.drop(hosted)
    }

    func recorded(_ run: Run, on worker: Worker) {
        guard let hosted = run.hosted else { return }
        pool.station(of: worker)?.recorded(hosted)
    }

    func due(_ run: Run, on worker: Worker) {
        guard let hosted = run.hosted else { return }
        pool.station(of: worker)?.give(hosted)
    }

    func retire(on worker: Worker) { pool.station(of: worker)?.retire(self) }

    func ask(_ workflow: Workflow, _ slot: CallbackSlot, named name: String, _ argument: Value) async throws -> Value {
        try await pool.ask(self, workflow, slot, named: name, argument)
    }
}

extension Run {
    /// What a station keeps with the run; nil where no process drives it.
    var hosted: HostedRun? { mirror?.seat as? HostedRun }
}
