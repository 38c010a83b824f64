internal import CLuaBridge
internal import CPrelude
internal import FlatValue
internal import LuaRuntime
internal import Platform
internal import WorkflowCore
internal import WorkflowEngine

/// A script in the VM of one worker; made on the worker's thread.
struct LoadedScript {
    let executor: LuaExecutor
    let plans: [Plan]
    let definitions: [String]
    let bundle: ScriptBundle
    let warnings: [DefinitionIssue]
    let findings: [DefinitionIssue]
    let requirements: [Value]
    /// Whether a definition was refused and the script went on, so that later loads have to refuse it too.
    let hasRefusals: Bool

    /// - Parameter checks: whether a pinned script is checked as at its first load. Where that refuses it, it is loaded unchecked:
    ///   it was accepted once, and a check that was added later must not keep its runs from going on.
    init(
        _ bundle: ScriptBundle, pinned: Bool, checks: Bool = true, environment: ScriptEnvironment
    ) throws(ScriptError) {
        let pin = pinned ? bundle : nil
        let host = ScriptHost(script: bundle.script, pinned: pin, checks: checks || !pinned, environment: environment)
        do throws(ScriptError) {
            try self.init(bundle, host: host, environment: environment)
        } catch {
            guard pinned, checks, !host.refused.isEmpty else { throw error }
            try self.init(
                bundle, host: ScriptHost(script: bundle.script, pinned: pin, checks: false, environment: environment),
                environment: environment)
        }
    }

    /// Loads a script with a host of the caller's, which knows afterwards what was looked for, also where this throws.
    init(_ bundle: ScriptBundle, host: ScriptHost, environment: ScriptEnvironment) throws(ScriptError) {
        let script = bundle.script
        let vm = try Self.makeVM(["aikit": "aikit"], host: host, bundle: bundle, environment: environment)
        let returned = try Self.run(script, in: vm, host: host, bundle: bundle, environment: environment)
        let chosen = try Self.chosen(returned, of: host, bundle: bundle)
        executor = LuaExecutor(vm: vm)
        let functions = LuaSchemaFunctions(vm: vm)
        executor.schemaFunctions = functions
        executor.localService = { host.serve($0, functions: functions) }
        host.place = { [weak executor] in executor?.place }
        host.mayContinue = { [weak vm] in vm?.isStopping != true }
        definitions = chosen.map { host.definitions[$0] }
        if !host.isPinned, !environment.options.findsModulesLater { host.complete() }
        let files = host.isPinned ? bundle : ScriptBundle(files: [script] + host.files)
        self.bundle = files
        let code = CallbackCode(host.codes, in: files)
        plans = chosen.map { host.plans[$0].withCode(code.hash) }
        warnings = host.warnings
        findings = host.findings
        requirements = host.requirements
        hasRefusals = !host.refused.isEmpty
    }

    /// The indexes of the plans that a script returned; at least one.
    private static func chosen(
        _ returned: Value, of host: ScriptHost, bundle: ScriptBundle
    ) throws(ScriptError) -> [Int] {
        let numbers = returned.array ?? []
        let chosen = numbers.compactMap { number in
            number.int.flatMap { $0 > 0 && $0 <= host.plans.count ? Int($0) - 1 : nil }
        }
        guard !chosen.isEmpty, chosen.count == numbers.count else {
            throw ScriptError(
                code: "no_workflow", file: bundle.script.path,
                message: "what the script returns is no workflow of its own")
        }
        return chosen
    }

    /// A VM with parts of the library, each under the name by which scripts require it.
    static func makeVM(
        _ parts: KeyValuePairs<String, String>, host: ScriptHost, bundle: ScriptBundle, environment: ScriptEnvironment
    ) throws(ScriptError) -> LuaVM {
        do throws(LuaError) {
            let vm = try LuaVM(host: host, memoryLimit: environment.options.memoryLimit)
            for (name, part) in parts {
                guard let part = prelude_find(part, part.utf8.count) else {
                    preconditionFailure("the library is missing")
                }
                let source = UnsafeRawBufferPointer(start: part.pointee.source, count: part.pointee.length)
                try vm.loadPrelude(name: name, source: source.assumingMemoryBound(to: UInt8.self))
            }
            return vm
        } catch {
            throw ScriptError(error, host: host, bundle: bundle)
        }
    }

    /// Runs the main chunk; what the library's collector made of what it returned.
    static func run(
        _ script: ScriptBundle.File, in vm: LuaVM, host: ScriptHost, bundle: ScriptBundle,
        environment: ScriptEnvironment
    ) throws(ScriptError) -> Value {
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
        case LB_DONE: return Value(ValueCursor(out.bytes))
        case LB_REQUEST:
            var error = LuaError(code: "host_call_at_load", message: "")
            if let suspended {
                let end = out.count
                vm.close(suspended, code: error.code, message: "", out: &out)
                error.traceback = LuaError(out, from: end).traceback
            }
            error.message =
                "the script waits for the host while it is loaded; call aikit.http, aikit.sleep and the like in handlers"
            throw ScriptError(error, host: host, bundle: bundle)
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
        let (definitions, hasRefusals) = (definitions, hasRefusals)
        let generation = Generation(id: bundle.id, origin: bundle.script.path) {
            let loaded = try LoadedScript(
                bundle, pinned: true, checks: hasRefusals, environment: environment)
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
            path: bundle.script.path, workflows: workflows, bundle: bundle, generation: generation, warnings: warnings,
            findings: findings, definitions: definitions, requirements: requirements)
    }
}
