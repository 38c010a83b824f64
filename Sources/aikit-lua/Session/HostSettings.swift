internal import HostEffects
internal import LuaWorkflows
internal import MemoryJournal
internal import VMProcess
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

/// What scripts may do, where their code runs and where they log: every command that drives runs makes its engine of this.
struct HostSettings: Sendable {
    /// What runs may do whose journal does not say.
    var permissions = Permissions()
    var secrets = Secrets()
    /// How Lua is kept apart from this process; nil for not at all.
    var isolation = IsolationChoice.inProcess
    /// How many threads drive runs, each with a process for Lua where that is kept apart.
    var workers = 1
    /// Which traces of runs are sent; nil for none.
    var traces: ExportSettings?
    /// Where `print` of scripts goes.
    var print: @Sendable (String) -> Void = { _ in }
    /// Where `print` of scripts goes with the step that printed, in place of `print`.
    var printed: (@Sendable (LogRecord) -> Void)?
    var log: @Sendable (LogRecord) -> Void
    /// Where lines for people go.
    var tell: @Sendable (String) -> Void
    /// As ``GrantedEffects`` has it.
    var refused: (@Sendable (_ run: String) async -> Bool)?

    /// How scripts are loaded on the engine.
    var scripts: LuaScriptOptions {
        var options = LuaScriptOptions(print: print, log: log)
        options.printed = printed
        return options
    }

    /// - Parameter store: where the runs are kept; nil for nowhere, but in the memory where Lua is kept apart.
    func engine(on store: (any RunStore)?) -> WorkflowEngine {
        let effects = GrantedEffects(
            usual: permissions, secrets: secrets, cache: store as? any CacheStore, refused: refused
        ).traced(traces)
        guard let sharing = isolation.sharing else {
            return WorkflowEngine(workers: workers, host: effects, journal: store, log: log)
        }
        let store = store ?? MemoryJournal()
        var options = VMOptions(program: programPath, script: scripts, host: effects)
        options.sharing = sharing
        options.isStrict = isolation == .strict
        options.isEager = store is MemoryJournal
        options.told = tell
        #if DEBUG
            options.hasFaults = environment("AIKIT_LUA_VM_FAULTS") != nil
            options.program = environment("AIKIT_LUA_VM_PROGRAM") ?? options.program
        #endif
        return WorkflowEngine(
            workers: workers, host: effects, journal: store, isolation: VMPool(options), log: log)
    }
}

extension IsolationChoice {
    /// Nil where there are no other processes.
    fileprivate var sharing: VMOptions.Sharing? {
        switch self {
        case .shared, .strict: .everyone
        case .script: .script
        case .run: .nobody
        case .inProcess: nil
        }
    }
}
