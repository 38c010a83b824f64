package import FlatValue
public import WorkflowCore
public import WorkflowEngine

/// How scripts are loaded.
public struct LuaScriptOptions: Sendable {
    /// Bytes that one VM may hold; 0 for no limit. By default 1 GiB, and less where the process may not take much memory.
    public var memoryLimit: Int
    /// How long the top level of a script may run.
    public var loadTimeout: Duration
    /// Where `print` goes; a line without its end.
    public var print: @Sendable (String) -> Void
    public var log: @Sendable (LogRecord) -> Void
    /// Where `print` goes with the step that printed, in place of ``print``; nil where only the line matters.
    package var printed: (@Sendable (LogRecord) -> Void)?
    /// Where modules and time zones are looked up, in a process without files; nil for the system.
    package var services: (any ScriptServices)?
    /// Whether handlers may require modules that the script did not name when it was loaded, which no later process would have.
    package var findsModulesLater = false

    public init(
        memoryLimit: Int? = nil, loadTimeout: Duration = .seconds(5),
        print: @escaping @Sendable (String) -> Void = { Swift.print($0) },
        log: @escaping @Sendable (LogRecord) -> Void = { _ in }
    ) {
        self.memoryLimit = memoryLimit ?? MemoryAllowance.vmSize
        self.loadTimeout = loadTimeout
        self.print = print
        self.log = log
    }
}

/// A script that has been loaded: one generation of its code, and the workflows that it returned.
///
/// The files are read once. Whatever becomes of them on the disk, runs of this generation go on with what was loaded.
///
/// ```swift
/// let script = try await LuaScript.load(path: "weather.lua", on: engine)
/// let run = engine.createRun(script.workflows[0])
/// ```
public final class LuaScript: Sendable {
    public let path: String
    /// The workflows in the order in which the script returned them; at least one.
    public let workflows: [Workflow]
    package let bundle: ScriptBundle
    package let generation: Generation
    /// What is doubtful in the definitions, though not wrong.
    public let warnings: [DefinitionIssue]
    /// What the code shows to go wrong once a run comes to it: names that nothing has, cases that are not there.
    ///
    /// An error among them does not keep the script from being loaded, as other runs may never come to it.
    public let findings: [DefinitionIssue]
    /// The workflows as JSON, as the script defined them.
    package let definitions: [String]
    /// The permissions that the script says it needs, each as a run's journal holds a grant.
    package let requirements: [Value]

    init(
        path: String, workflows: [Workflow], bundle: ScriptBundle, generation: Generation, warnings: [DefinitionIssue],
        findings: [DefinitionIssue], definitions: [String], requirements: [Value]
    ) {
        self.path = path
        self.workflows = workflows
        self.bundle = bundle
        self.generation = generation
        self.warnings = warnings
        self.findings = findings
        self.definitions = definitions
        self.requirements = requirements
    }

    /// The hash of the script and all of its modules.
    public var generationID: String { generation.id }

    /// The paths of the script and of the modules that it required.
    public var files: [String] { bundle.files.map(\.path) }

    /// Loads a script and the modules that it requires.
    ///
    /// - Throws: ``ScriptError`` with everything that is wrong, each at its place.
    public static func load(
        path: String, on engine: WorkflowEngine, options: LuaScriptOptions = LuaScriptOptions()
    ) async throws(ScriptError) -> LuaScript {
        let source: [UInt8]
        do throws(ScriptFiles.ReadError) {
            source = try ScriptFiles.read(path)
        } catch {
            throw ScriptError(reading: path, error)
        }
        let file = ScriptBundle.File(module: "", path: path, source: source)
        return try await load(ScriptBundle(files: [file]), pinned: false, on: engine, options: options)
    }

    /// Loads a script whose source is at hand; `name` is what errors call it, and modules are looked for beside it.
    public static func load(
        source: String, named name: String, on engine: WorkflowEngine, options: LuaScriptOptions = LuaScriptOptions()
    ) async throws(ScriptError) -> LuaScript {
        let file = ScriptBundle.File(module: "", path: name, source: Array(source.utf8))
        return try await load(ScriptBundle(files: [file]), pinned: false, on: engine, options: options)
    }

    /// Loads a script whose source was read elsewhere; its modules are looked up where the options say.
    package static func load(
        _ file: ScriptBundle.File, on engine: WorkflowEngine, options: LuaScriptOptions
    ) async throws(ScriptError) -> LuaScript {
        try await load(ScriptBundle(files: [file]), pinned: false, on: engine, options: options)
    }

    /// Loads a script from the files that an earlier load kept.
    package static func load(
        bundle: ScriptBundle, on engine: WorkflowEngine, options: LuaScriptOptions = LuaScriptOptions()
    ) async throws(ScriptError) -> LuaScript {
        try await load(bundle, pinned: true, on: engine, options: options)
    }

    private static func load(
        _ bundle: ScriptBundle, pinned: Bool, on engine: WorkflowEngine, options: LuaScriptOptions
    ) async throws(ScriptError) -> LuaScript {
        if let isolation = engine.isolation as? any ScriptIsolation {
            return try await isolation.load(ScriptSource(bundle: bundle), isPinned: pinned).result.get()
        }
        let environment = ScriptEnvironment(clock: engine.clock, options: options)
        let worker = engine.workers[0]
        let result: Result<LuaScript, ScriptError> = await withCheckedContinuation { continuation in
            let posted = worker.perform { worker in
                do throws(ScriptError) {
                    let loaded = try LoadedScript(bundle, pinned: pinned, environment: environment)
                    let script = loaded.script(environment: environment)
                    worker.adopt(loaded.executor, for: script.generation)
                    continuation.resume(returning: .success(script))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            if !posted {
                let error = ScriptError(
                    code: "engine_stopped", file: bundle.script.path, message: "the engine has stopped")
                continuation.resume(returning: .failure(error))
            }
        }
        return try result.get()
    }
}
