internal import CLuaBridge
package import FlatValue
internal import LuaRuntime
package import WorkflowCore
package import WorkflowEngine

/// A test file in the VM of one worker: the tree of its tests, and the code of everything that it required.
///
/// It is made on the worker's thread and used on that thread only. The file is a script whose library has `aikit.test`
/// besides; what it registers while it is loaded is the tree, and each function in it is addressed by its slot in this
/// VM. Workflows that the file requires, and those that its tests make later, have their plans here.
package final class LoadedTests {
    package let path: String
    package let executor: any StepExecutor
    /// The outermost suite: `{ children, before_all, before_each, after_each, after_all }`, functions as slots.
    package let suite: Value
    /// The plans that were there when the file had been loaded.
    package let loadedPlans: [Plan]
    private let host: ScriptHost
    private let vm: LuaVM
    private let bundle: ScriptBundle

    /// - Parameters:
    ///   - folders: where modules are looked for, the best place first; each ends in a slash or is empty.
    ///   - loading: gets what stops the file's top level, before that begins, and nil when it has ended.
    package init(
        path: String, folders: [String], clock: any EngineClock, options: LuaScriptOptions,
        loading: ((any CallInterrupter)?) -> Void
    ) throws(ScriptError) {
        let source: [UInt8]
        do throws(ScriptFiles.ReadError) {
            source = try ScriptFiles.read(path)
        } catch {
            throw ScriptError(reading: path, error)
        }
        self.path = path
        let file = ScriptBundle.File(module: "", path: path, source: source)
        bundle = ScriptBundle(files: [file])
        let environment = ScriptEnvironment(clock: clock, options: options)
        let host = ScriptHost(script: file, folders: folders, pinned: nil, environment: environment)
        vm = try LoadedScript.makeVM(
            ["aikit": "aikit", "aikit.test": "testing"], host: host, bundle: bundle, environment: environment)
        let executor = LuaExecutor(vm: vm)
        loading(executor.interrupter)
        let suite: Result<Value, ScriptError>
        do throws(ScriptError) {
            suite = .success(
                try LoadedScript.run(file, in: vm, host: host, bundle: bundle, environment: environment))
        } catch {
            suite = .failure(error)
        }
        // The VM may end with an error that is thrown.
        loading(nil)
        self.suite = try suite.get()
        // What a workflow's handlers find in a test they find in a run.
        host.complete()
        let functions = LuaSchemaFunctions(vm: vm)
        executor.schemaFunctions = functions
        executor.localService = { host.serve($0, functions: functions) }
        self.executor = executor
        self.host = host
        loadedPlans = host.plans
    }

    /// The paths of the test file and of what it has required so far.
    package var files: [String] { [path] + host.files.map(\.path) }

    /// The plan of a number that `commit` gave, from 1.
    package func plan(_ number: Int64) -> Plan? {
        number > 0 && number <= host.plans.count ? host.plans[Int(number) - 1] : nil
    }

    /// Calls a function of the file with one value, between two calls of the engine; it may not wait for anything.
    package func call(_ slot: Int64, _ argument: Value) -> HostAnswer {
        guard let slot = UInt32(exactly: slot) else {
            return .failure(code: "no_function", message: "the test file has no function of that number")
        }
        var out = ByteArena()
        defer { out.deallocate() }
        var suspended: OpaquePointer?
        let status = argument.withBytes { bytes in
            var given = lb_arg()
            given.kind = LB_ARG_POINTER
            given.pointer = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            given.length = bytes.count
            return vm.call(
                slot: slot, context: nil, arguments: &given, count: 1, out: &out, suspended: &suspended)
        }
        if let suspended {
            vm.close(suspended, code: "cancelled", message: "given up", out: &out)
            return .failure(code: "cannot_wait", message: "this function may not wait for the host")
        }
        return HostAnswer(ok: status == LB_DONE, value: Value(ValueCursor(out.bytes)))
    }
}
