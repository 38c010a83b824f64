internal import FlatValue
package import LuaWorkflows
internal import Platform
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
        /// Looks at the processes while there are any.
        var watch: Task<Void, Never>?
    }

    package init(_ options: VMOptions) { self.options = options }

    package func serve(_ engine: WorkflowEngine) {
        let stations = engine.workers.map { VMStation(of: $0, in: self) }
        state.withLock { $0.stations = stations }
        for station in stations { station.perform { station in station.worker.whenEnded.append { station.close() } } }
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
            if state.watch == nil, !state.isStopping { state.watch = watch() }
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

    /// Has the stations look at their processes again and again, each time after all have done so.
    private func watch() -> Task<Void, Never> {
        Task.detached { [weak self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(1))
                guard let stations = self?.state.withLock(\.stations) else { return }
                for station in stations {
                    await withCheckedContinuation { continuation in
                        let looked = Answer(orElse: ()) { continuation.resume() }
                        station.perform { station in
                            station.look()
                            looked.give(())
                        }
                    }
                }
            }
        }
    }

    package func stop() {
        let children = state.withLock { state in
            state.isStopping = true
            state.watch?.cancel()
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
        let first = await loadOnce(source, isPinned: isPinned)
        // A process may end for reasons of its own, or of others that share it.
        guard case .failure(let error) = first.result, error.code == HostedScript.crashedCode else { return first }
        return await loadOnce(source, isPinned: isPinned)
    }

    private func loadOnce(
        _ source: ScriptSource, isPinned: Bool
    ) async -> (source: ScriptSource, result: Result<LuaScript, ScriptError>) {
        let (number, station) = state.withLock { state in
            state.lastScript += 1
            return (state.lastScript, state.stations.first)
        }
        let script = HostedScript(number, source, in: self)
        guard let station else { return (source, .failure(script.stopped)) }
        let described = await withCheckedContinuation { continuation in
            let answer = Answer(orElse: Result<ScriptDescription, ScriptError>.failure(script.stopped)) {
                continuation.resume(returning: $0)
            }
            station.perform { $0.load(script, isPinned: isPinned, answer) }
        }
        let result = described.flatMap { description in
            Result { () throws(ScriptError) in
                try LuaScript(description, of: script.source.bundle, driver: script)
            }
        }
        return (script.source, result)
    }

    func ask(
        _ script: HostedScript, _ workflow: Workflow, _ slot: CallbackSlot, named name: String, _ argument: Value
    ) async throws(RunFailure) -> Value {
        guard let station = anyStation else { throw .processesStopped }
        let result = await withCheckedContinuation { continuation in
            let answer = Answer(orElse: Result<Value, RunFailure>.failure(.processesStopped)) {
                continuation.resume(returning: $0)
            }
            station.perform { $0.ask(script, workflow.id, slot, named: name, argument, answer) }
        }
        return try result.get()
    }
}
