package import LuaWorkflows
internal import Synchronization
internal import WorkflowCore
package import WorkflowEngine

/// The VM processes of one engine, a station of them for each worker.
///
/// It believes nothing that a process says: frames are checked, events are decoded with validation and only continue runs that the
/// process was given, and what a run may do stands in a table of this process. A process that dies, or breaks the protocol, is
/// replaced; its runs go on from what they have recorded, and a step that ends its process ``RunMachine/crashLimit`` times ends with
/// the code `vm_crashed`.
package final class VMPool: ScriptIsolation {
    let options: VMOptions
    private let state = Mutex(State())

    private struct State {
        var stations: [VMStation] = []
        var lastScript: Int64 = 0
        /// Processes that have not ended.
        var children: [ObjectIdentifier: VMChild] = [:]
        var isStopping = false
        var ended: [CheckedContinuation<Void, Never>] = []
    }

    package init(_ options: VMOptions) { self.options = options }

    package func serve(_ engine: WorkflowEngine) {
        let stations = engine.workers.map { VMStation(of: $0, in: self) }
        state.withLock { $0.stations = stations }
    }

    func station(of worker: Worker) -> VMStation? {
        state.withLock { $0.stations.indices.contains(worker.index) ? $0.stations[worker.index] : nil }
    }

    /// The one that calls functions of no run.
    var anyStation: VMStation? { state.withLock { $0.stations.first } }

    // MARK: Processes

    /// Starts a process; nil once the engine ends. `told` is called on the process's reading thread.
    func start(_ told: @escaping @Sendable (VMChild, VMChild.Notice) -> Void) -> VMChild? {
        if state.withLock(\.isStopping) { return nil }
        let child = VMChild(program: options.program, word: VMProgram.word, environment: VMEnvironment.variables) {
            [weak self] child, notice in
            told(child, notice)
            if case .ended = notice { self?.forget(child) }
        }
        let isLate = state.withLock { state in
            // It may have ended before it was noted.
            if !child.isGone { state.children[ObjectIdentifier(child)] = child }
            return state.isStopping
        }
        if isLate { child.kill(because: nil) }
        return child
    }

    private func forget(_ child: VMChild) {
        let waiting = state.withLock { state in
            state.children[ObjectIdentifier(child)] = nil
            guard state.children.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.ended = [] }
            return state.ended
        }
        for continuation in waiting { continuation.resume() }
    }

    package func stop() {
        let children = state.withLock { state in
            state.isStopping = true
            return Array(state.children.values)
        }
        for child in children { child.kill(because: nil) }
    }

    package func ended() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.children.isEmpty { state.ended.append(continuation) }
                return state.children.isEmpty
            }
            if isOver { continuation.resume() }
        }
    }

    /// Starts the processes that the first runs are given to, and waits until they take them.
    package func warm() async {
        await withTaskGroup { group in
            for station in state.withLock(\.stations) {
                group.addTask {
                    let ready = Gate()
                    if station.worker.perform({ _ in station.warm { ready.open() } }) { await ready.passed() }
                }
            }
        }
    }

    // MARK: Scripts

    package func load(
        _ source: ScriptSource, isPinned: Bool
    ) async -> (source: ScriptSource, result: Result<LuaScript, ScriptError>) {
        let (number, station) = state.withLock { state in
            state.lastScript += 1
            return (state.lastScript, state.stations.first)
        }
        let script = HostedScript(number, source, in: self)
        guard let station else { return (source, .failure(script.stopped)) }
        let described = await withCheckedContinuation { continuation in
            let posted = station.worker.perform { _ in station.load(script, isPinned: isPinned, continuation) }
            if !posted {
                continuation.resume(returning: Result<ScriptDescription, ScriptError>.failure(script.stopped))
            }
        }
        let result = described.flatMap { description in
            Result { () throws(ScriptError) in
                try LuaScript(description, of: script.source.bundle, driver: script)
            }
        }
        return (script.source, result)
    }
}
