internal import Synchronization
public import WorkflowEngine

/// One generation of a ``LiveScript``.
public struct LiveGeneration: Sendable {
    /// Counts the generations that have been live, from 1.
    public let number: Int
    public let script: LuaScript
}

/// What became of the files of a ``LiveScript`` when it looked at them.
public enum ScriptRefresh: Sendable {
    /// Their contents are what they were when last looked at.
    case unchanged
    /// A new generation is live, because of these files; `took` is the time to load and check it.
    case live(LiveGeneration, changed: [String], took: Duration)
    /// After a failure they are again those of the generation that stayed live.
    case restored(LiveGeneration)
    /// They cannot be loaded. What was live, if anything, stays so.
    case failed(ScriptError)
    /// The script has gone. What was live, if anything, stays so.
    case missing
}

/// A script that may change while runs of it are under way.
///
/// Each ``refresh()`` that finds other contents builds a generation of them beside the live one, in a VM of its own. If it
/// loads, it becomes the live one, of which new runs are to be made; a run that has begun keeps the generation that it began
/// with, whose VMs go when its runs are over and their handles are released. If it does not load, nothing changes.
///
/// ```swift
/// let live = LiveScript(path: "weather.lua", on: engine)
/// if case .failed(let error) = await live.refresh() { print(error) }
/// let run = live.generation.map { engine.createRun($0.script.workflows[0]) }
/// ```
public final class LiveScript: Sendable {
    public let path: String
    private let engine: WorkflowEngine
    private let environment: ScriptEnvironment
    private let accept: @Sendable (LuaScript) throws(ScriptError) -> Void
    /// Scripts are loaded on a thread of their own, so that no handler that runs long delays a new generation.
    private let jobs: Inbox<Job>
    private let state = Mutex(State())

    private enum Job {
        case perform(() -> Void)
        case close
    }

    private struct State {
        var files = ReloadState()
        var generation: LiveGeneration?
    }

    /// Nothing is loaded before the first ``refresh()``.
    ///
    /// - Parameter accept: throws where a script that loads is still not what is wanted; it is refused then.
    public init(
        path: String, on engine: WorkflowEngine, options: LuaScriptOptions = LuaScriptOptions(),
        accept: @escaping @Sendable (LuaScript) throws(ScriptError) -> Void = { _ in }
    ) {
        self.path = path
        self.engine = engine
        self.accept = accept
        environment = ScriptEnvironment(clock: engine.clock, options: options)
        let jobs = Inbox<Job>()
        self.jobs = jobs
        WorkerThread.start {
            var taken: [Job] = []
            while true {
                jobs.take(into: &taken, waiting: nil)
                for job in taken {
                    switch job {
                    case .perform(let body): body()
                    case .close: return
                    }
                }
                taken.removeAll()
            }
        }
    }

    deinit { jobs.post(.close) }

    /// The generation of which new runs are to be made; nil as long as none has loaded.
    public var generation: LiveGeneration? { state.withLock { $0.generation } }

    /// Every path whose change may make a difference: the script, its modules, and where modules were looked for in vain.
    public var paths: [String] {
        let paths = state.withLock { $0.files.paths }
        return paths.isEmpty ? [path] : paths
    }

    /// Looks at the files, and loads them if their contents have changed since it last did.
    ///
    /// Calls are carried out one after the other.
    public func refresh() async -> ScriptRefresh {
        await withCheckedContinuation { continuation in
            jobs.post(.perform { continuation.resume(returning: self.refreshNow()) })
        }
    }

    private func refreshNow() -> ScriptRefresh {
        let start = ContinuousClock.now
        let directory = ScriptFiles.directory(of: path)
        let look = { (entry: ScriptFootprint.Entry) in
            ScriptFootprint.Entry(
                entry.module.isEmpty
                    ? ScriptFiles.find(module: "", at: entry.path)
                    : ScriptFiles.find(module: entry.module, besideScript: directory))
        }
        let (files, before) = state.withLock { ($0.files, $0.generation) }
        switch files.decide(look) {
        case .nothing: return .unchanged
        case .restore:
            state.withLock { $0.files.restored() }
            return before.map(ScriptRefresh.restored) ?? .unchanged
        case .missing:
            refuse(ScriptFootprint(entries: [look(ScriptFootprint.Entry(ScriptFiles.find(module: "", at: path)))]))
            return .missing
        case .load: return load(since: start, files.live, before)
        }
    }

    private func refuse(_ footprint: ScriptFootprint) { state.withLock { $0.files.refused(footprint) } }

    /// Loads what the disk holds now, and switches over if it is good.
    private func load(
        since start: ContinuousClock.Instant, _ old: ScriptFootprint?, _ before: LiveGeneration?
    ) -> ScriptRefresh {
        let found = ScriptFiles.find(module: "", at: path)
        let entry = ScriptFootprint.Entry(found)
        let source: [UInt8]
        switch found.content {
        case .success(let bytes): source = bytes
        case .failure(let error):
            refuse(ScriptFootprint(entries: [entry]))
            return before != nil && error == .missing ? .missing : .failed(ScriptError(reading: path, error))
        }
        let file = ScriptBundle.File(module: "", path: path, source: source)
        let (result, lookups) = load(file)
        let footprint = ScriptFootprint(entries: [entry] + lookups)
        do throws(ScriptError) {
            let script = try result.get()
            try accept(script)
            if let before, before.script.generationID == script.generationID {
                // The same contents at other places, or after a failure: what is live is just this.
                let wasRefused = state.withLock { state in
                    defer { state.files.took(footprint) }
                    return state.files.refused != nil
                }
                return wasRefused ? .restored(before) : .unchanged
            }
            let generation = LiveGeneration(number: (before?.number ?? 0) + 1, script: script)
            engine.prepare(script.generation)
            state.withLock { state in
                state.files.took(footprint)
                state.generation = generation
            }
            if let before { engine.retire(before.script.generation) }
            let changed = old.map { footprint.changes(since: $0) } ?? footprint.entries.map(\.path)
            return .live(generation, changed: changed, took: ContinuousClock.now - start)
        } catch {
            refuse(footprint)
            return .failed(error)
        }
    }

    /// Loads a script where the engine's code runs; the second part is what was looked for.
    private func load(
        _ file: ScriptBundle.File
    ) -> (result: Result<LuaScript, ScriptError>, lookups: [ScriptFootprint.Entry]) {
        let bundle = ScriptBundle(files: [file])
        if let isolation = engine.isolation as? any ScriptIsolation {
            let answers = Inbox<(source: ScriptSource, result: Result<LuaScript, ScriptError>)>()
            Task.detached { answers.post(await isolation.load(ScriptSource(bundle: bundle), isPinned: false)) }
            var taken: [(source: ScriptSource, result: Result<LuaScript, ScriptError>)] = []
            while taken.isEmpty { answers.take(into: &taken, waiting: nil) }
            return (taken[0].result, taken[0].source.lookups)
        }
        let host = ScriptHost(script: file, pinned: nil, environment: environment)
        let result = Result { () throws(ScriptError) in
            try LoadedScript(bundle, host: host, environment: environment).script(environment: environment)
        }
        return (result, host.lookups)
    }
}
