internal import CLuaBridge
internal import CPrelude
internal import LuaRuntime
public import WorkflowCore
public import WorkflowEngine

/// How scripts are loaded.
public struct LuaScriptOptions: Sendable {
    /// Bytes that one VM may hold; 0 for no limit.
    public var memoryLimit: Int
    /// How long the top level of a script may run.
    public var loadTimeout: Duration
    /// Where `print` goes; a line without its end.
    public var print: @Sendable (String) -> Void
    public var log: @Sendable (LogRecord) -> Void

    public init(
        memoryLimit: Int = 1 << 30, loadTimeout: Duration = .seconds(5),
        print: @escaping @Sendable (String) -> Void = { Swift.print($0) },
        log: @escaping @Sendable (LogRecord) -> Void = { _ in }
    ) {
        self.memoryLimit = memoryLimit
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

    init(path: String, workflows: [Workflow], bundle: ScriptBundle, generation: Generation, warnings: [DefinitionIssue])
    {
        self.path = path
        self.workflows = workflows
        self.bundle = bundle
        self.generation = generation
        self.warnings = warnings
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

    /// Loads a script from the files that an earlier load kept.
    package static func load(
        bundle: ScriptBundle, on engine: WorkflowEngine, options: LuaScriptOptions = LuaScriptOptions()
    ) async throws(ScriptError) -> LuaScript {
        try await load(bundle, pinned: true, on: engine, options: options)
    }

    private static func load(
        _ bundle: ScriptBundle, pinned: Bool, on engine: WorkflowEngine, options: LuaScriptOptions
    ) async throws(ScriptError) -> LuaScript {
        let environment = ScriptEnvironment(clock: engine.clock, options: options)
        let worker = engine.workers[0]
        let result: Result<LuaScript, ScriptError> = await withCheckedContinuation { continuation in
            worker.perform { worker in
                do throws(ScriptError) {
                    let loaded = try LoadedScript(bundle, pinned: pinned, environment: environment)
                    let script = loaded.script(environment: environment)
                    worker.adopt(loaded.executor, for: script.generation)
                    continuation.resume(returning: .success(script))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}

/// What scripts of one engine share.
struct ScriptEnvironment: Sendable {
    let clock: any EngineClock
    let options: LuaScriptOptions

    var print: @Sendable (String) -> Void { options.print }
    var log: @Sendable (LogRecord) -> Void { options.log }

    func makeUUID() -> String {
        var bytes = (0..<16).map { _ in UInt8.random(in: 0...255) }
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits = Array("0123456789abcdef")
        return bytes.enumerated().reduce(into: "") { text, byte in
            if [4, 6, 8, 10].contains(byte.offset) { text.append("-") }
            text.append(digits[Int(byte.element >> 4)])
            text.append(digits[Int(byte.element & 15)])
        }
    }
}

/// A script in the VM of one worker; made on the worker's thread.
struct LoadedScript {
    let executor: LuaExecutor
    let plans: [Plan]
    let definitions: [String]
    let bundle: ScriptBundle

    init(_ bundle: ScriptBundle, pinned: Bool, environment: ScriptEnvironment) throws(ScriptError) {
        let script = bundle.script
        let host = ScriptHost(
            directory: ScriptFiles.directory(of: script.path), pinned: pinned ? bundle : nil, environment: environment)
        let vm: LuaVM
        do throws(LuaError) {
            vm = try LuaVM(host: host, memoryLimit: environment.options.memoryLimit)
            guard let part = prelude_find("aikit", 5) else { preconditionFailure("the library is missing") }
            let source = UnsafeRawBufferPointer(start: part.pointee.source, count: part.pointee.length)
            try vm.loadPrelude(name: "aikit", source: source.assumingMemoryBound(to: UInt8.self))
        } catch {
            throw ScriptError(error, host: host, bundle: bundle)
        }
        let chosen = try Self.run(script, in: vm, host: host, bundle: bundle, environment: environment)
        executor = LuaExecutor(vm: vm)
        let functions = LuaSchemaFunctions(vm: vm)
        executor.schemaFunctions = functions
        executor.localService = { host.serve($0, functions: functions) }
        plans = chosen.map { host.plans[$0] }
        definitions = chosen.map { host.definitions[$0] }
        self.bundle = pinned ? bundle : ScriptBundle(files: [script] + host.files)
    }

    /// Runs the main chunk; the places of the workflows that it returned.
    private static func run(
        _ script: ScriptBundle.File, in vm: LuaVM, host: ScriptHost, bundle: ScriptBundle,
        environment: ScriptEnvironment
    ) throws(ScriptError) -> [Int] {
        var out = ByteArena()
        defer { out.deallocate() }
        var suspended: OpaquePointer?
        let limit = UInt64(environment.options.loadTimeout / .nanoseconds(1))
        lb_watch_begin(vm.handle, UInt64.max)
        lb_watch_deadline(vm.handle, monotonicNanoseconds() + limit)
        let status = script.source.withUnsafeBytes {
            vm.load(source: $0, chunkName: "@" + script.path, out: &out, suspended: &suspended)
        }
        lb_watch_deadline(vm.handle, 0)
        lb_watch_end(vm.handle)
        switch status {
        case LB_DONE:
            let plans = ValueCursor(out.bytes)
            return plans.items.compactMap { $0.int.map { Int($0) - 1 } }
        case LB_REQUEST:
            if let suspended { vm.close(suspended, code: "cancelled", message: "the script was given up", out: &out) }
            throw ScriptError(
                code: "host_call_at_load", file: script.path,
                message:
                    "the script waits for the host while it is loaded; call aikit.http, aikit.sleep and the like in handlers"
            )
        case LB_CANCELLED:
            var error = LuaError(out)
            error.message =
                "the top level of the script ran for more than \(environment.options.loadTimeout); "
                + "is there an endless loop? Work belongs into handlers"
            throw ScriptError(error, host: host, bundle: bundle)
        default:
            throw ScriptError(LuaError(out), host: host, bundle: bundle)
        }
    }

    /// The script as callers hold it; other workers load its files again when they first run it.
    func script(environment: ScriptEnvironment) -> LuaScript {
        let bundle = bundle
        let definitions = definitions
        let generation = Generation(id: bundle.id) {
            let loaded = try LoadedScript(bundle, pinned: true, environment: environment)
            guard loaded.definitions == definitions else {
                throw ScriptError(
                    code: "unstable_definition", file: bundle.script.path,
                    message: "the script defines other workflows each time that it is loaded; "
                        + "iterate over tables in a sorted order and leave time and chance to handlers")
            }
            return loaded.executor
        }
        let workflows = plans.map { Workflow(plan: $0, generation: generation) }
        return LuaScript(
            path: bundle.script.path, workflows: workflows, bundle: bundle, generation: generation, warnings: [])
    }
}
