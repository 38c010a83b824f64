internal import Platform
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
    /// After a failure they are again those of the generation that stayed live, or can be read again.
    case restored(LiveGeneration)
    /// They cannot be loaded. What was live, if anything, stays so. Where ``ScriptError/isPassing`` holds, for want of file descriptors
    /// or processes, that is told once, and ``LiveScript/refresh()`` tries again.
    case failed(ScriptError)
    /// The script has gone. What was live, if anything, stays so.
    case missing

    /// Why what was looked at is not live; nil where it is, or is what it was.
    package var problem: String? {
        switch self {
        case .unchanged, .live, .restored: nil
        case .failed(let error): error.description
        case .missing: "the file is gone"
        }
    }
}

/// A script that may change while runs of it are under way.
///
/// Each ``refresh()`` that finds other contents builds a generation of them beside the live one, in a VM of its own. If it
/// loads, it becomes the live one, of which new runs are to be made; a run that has begun keeps the generation that it began
/// with, whose VMs go when its runs are over and their handles are released. If it does not load, nothing changes. A file that was
/// written a moment ago may be half of what it is to be: it is read again before what it gave counts.
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
    /// How long a file has to have been left alone to count as whole.
    private let quiet: Duration
    private let pause: @Sendable (Duration) -> Void
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
        /// The newest attempt had no file descriptor to look at the files or to load them with.
        var isShort = false
        /// Why the newest contents are not live; nil when they are.
        var problem: String?
    }

    /// Nothing is loaded before the first ``refresh()``.
    ///
    /// - Parameter accept: throws where a script that loads is still not what is wanted; it is refused then.
    public convenience init(
        path: String, on engine: WorkflowEngine, options: LuaScriptOptions = LuaScriptOptions(),
        accept: @escaping @Sendable (LuaScript) throws(ScriptError) -> Void = { _ in }
    ) {
        self.init(
            path: path, on: engine, options: options, quiet: .milliseconds(30),
            // Never as long as a second.
            pause: { usleep(UInt32(clamping: $0.components.attoseconds / 1_000_000_000_000)) }, accept: accept)
    }

    /// - Parameters:
    ///   - quiet: how long a file has to have been left alone to count as whole.
    ///   - pause: returns after the time; called on the thread that loads scripts.
    init(
        path: String, on engine: WorkflowEngine, options: LuaScriptOptions = LuaScriptOptions(), quiet: Duration,
        pause: @escaping @Sendable (Duration) -> Void,
        accept: @escaping @Sendable (LuaScript) throws(ScriptError) -> Void = { _ in }
    ) {
        self.path = path
        self.engine = engine
        self.accept = accept
        self.quiet = quiet
        self.pause = pause
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

    /// Why the newest contents of the files are not live; nil when they are, and before the first ``refresh()``.
    package var problem: String? { state.withLock { $0.problem } }

    /// Whether the files could not be looked at, so that ``refresh()`` is to be called again though nothing changes.
    package var isShort: Bool { state.withLock { $0.isShort } }

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
            jobs.post(
                .perform {
                    let refresh = self.refreshNow()
                    if case .unchanged = refresh {} else { self.state.withLock { $0.problem = refresh.problem } }
                    continuation.resume(returning: refresh)
                })
        }
    }

    private func refreshNow() -> ScriptRefresh {
        let start = ContinuousClock.now
        let (files, before, wasShort) = state.withLock { ($0.files, $0.generation, $0.isShort) }
        switch files.decide(look) {
        case .nothing where wasShort && files.refused != nil: return load(since: start, files.live, before, wasShort)
        case .nothing:
            state.withLock { $0.isShort = false }
            return wasShort ? before.map(ScriptRefresh.restored) ?? .unchanged : .unchanged
        case .restore:
            state.withLock { state in
                state.files.restored()
                state.isShort = false
            }
            return before.map(ScriptRefresh.restored) ?? .unchanged
        case .missing:
            refuse(ScriptFootprint(entries: [look(ScriptFootprint.Entry(ScriptFiles.find(module: "", at: path)))]))
            return .missing
        case .load: return load(since: start, files.live, before, wasShort)
        }
    }

    /// Looks again for what was looked for.
    private func look(_ entry: ScriptFootprint.Entry) -> ScriptFootprint.Entry {
        ScriptFootprint.Entry(
            entry.module.isEmpty
                ? ScriptFiles.find(module: "", at: entry.path)
                : ScriptFiles.find(module: entry.module, besideScript: ScriptFiles.directory(of: path)))
    }

    private func refuse(_ footprint: ScriptFootprint) {
        state.withLock { state in
            state.files.refused(footprint)
            state.isShort = false
        }
    }

    /// Loads what the disk holds now, and switches over if it is good.
    ///
    /// - Parameter wasShort: the attempt before had no file descriptor, and that was told.
    private func load(
        since start: ContinuousClock.Instant, _ old: ScriptFootprint?, _ before: LiveGeneration?, _ wasShort: Bool
    ) -> ScriptRefresh {
        let (result, footprint) = settledAttempt()
        if let shortage = Self.shortage(result, footprint) {
            state.withLock { $0.isShort = true }
            return wasShort ? .unchanged : .failed(shortage)
        }
        if footprint.lacksScript, before != nil {
            refuse(footprint)
            return .missing
        }
        do throws(ScriptError) {
            let script = try result.get()
            try accept(script)
            if let before, before.script.generationID == script.generationID {
                // The same contents at other places, or after a failure: what is live is just this.
                let wasRefused = state.withLock { state in
                    defer {
                        state.files.took(footprint)
                        state.isShort = false
                    }
                    return state.files.refused != nil || wasShort
                }
                return wasRefused ? .restored(before) : .unchanged
            }
            let generation = LiveGeneration(number: (before?.number ?? 0) + 1, script: script)
            engine.prepare(script.generation)
            state.withLock { state in
                state.files.took(footprint)
                state.generation = generation
                state.isShort = false
            }
            if let before { engine.retire(before.script.generation) }
            let changed = old.map { footprint.changes(since: $0) } ?? footprint.entries.map(\.path)
            return .live(generation, changed: changed, took: ContinuousClock.now - start)
        } catch {
            refuse(footprint)
            return .failed(error)
        }
    }

    /// Why nothing is known of the script for want of file descriptors or processes: neither what it holds, nor whether it loads.
    private static func shortage(
        _ result: Result<LuaScript, ScriptError>, _ footprint: ScriptFootprint
    ) -> ScriptError? {
        if let shortage = footprint.shortage { return shortage }
        guard case .failure(let error) = result, error.isPassing else { return nil }
        return error
    }

    /// How often files that are being written are read again at most.
    private static let mostPauses = 8

    /// Loads the script, again as long as its files change under way or were written a moment before.
    private func settledAttempt() -> (result: Result<LuaScript, ScriptError>, footprint: ScriptFootprint) {
        var attempt = attempt()
        for _ in 0..<Self.mostPauses {
            let ages = attempt.footprint.files.compactMap(ScriptFiles.age)
            guard let age = ages.min(), age < quiet else { break }
            pause(quiet - age)
            if attempt.footprint.refreshed(look) == attempt.footprint { break }
            attempt = self.attempt()
        }
        return attempt
    }

    /// Loads what the disk holds at this moment.
    private func attempt() -> (result: Result<LuaScript, ScriptError>, footprint: ScriptFootprint) {
        let found = ScriptFiles.find(module: "", at: path)
        let entry = ScriptFootprint.Entry(found)
        switch found.content {
        case .success(let source):
            let (result, lookups) = load(ScriptBundle.File(module: "", path: path, source: source))
            return (result, ScriptFootprint(entries: [entry] + lookups))
        case .failure(let error):
            return (.failure(ScriptError(reading: path, error)), ScriptFootprint(entries: [entry]))
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
