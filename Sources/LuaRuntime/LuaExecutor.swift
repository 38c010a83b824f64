internal import CLuaBridge
package import FlatValue
package import JSONSchema
package import WorkflowCore
package import WorkflowEngine

/// Runs the callbacks of one generation of a script in one VM: the engine's port to Lua.
///
/// It belongs to the thread that made the VM. A call costs no allocation here: the context that a callback sees is used
/// again by the next call, unless the callback suspends and takes it along.
package final class LuaExecutor: StepExecutor {
    package let vm: LuaVM
    private let effectBytes: UnsafeMutablePointer<ByteArena>
    private var context: UnsafeMutablePointer<CallContext>
    private var spareContexts: [UnsafeMutablePointer<CallContext>] = []
    private let arguments: UnsafeMutablePointer<lb_arg>
    private var functions: LuaSchemaFunctions?
    /// What was in use after the last collection that was asked for.
    private var liveMemory = 0
    /// Garbage that is left alone.
    private static let garbage = 8 << 20
    /// The run and the frame whose code is under way; nil between calls.
    package private(set) var place: (run: Unmanaged<Run>, frame: Int32)?

    package init(vm: LuaVM) {
        self.vm = vm
        effectBytes = .allocate(capacity: 1)
        effectBytes.initialize(to: ByteArena())
        context = CallContext.make(effects: effectBytes)
        arguments = .allocate(capacity: 2)
        arguments.initialize(repeating: lb_arg(), count: 2)
    }

    deinit {
        CallContext.free(context)
        for context in spareContexts { CallContext.free(context) }
        effectBytes.pointee.deallocate()
        effectBytes.deallocate()
        arguments.deallocate()
    }

    package var memoryUsed: Int { vm.memoryUsed }

    package func collectGarbage() {
        guard vm.memoryUsed > 2 * liveMemory + Self.garbage else { return }
        vm.collectGarbage()
        liveMemory = vm.memoryUsed
    }

    package func end(of slot: CallbackSlot) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 600) { text -> String? in
            guard let start = text.baseAddress, lb_vm_slot_end(vm.handle, slot, start, text.count) else { return nil }
            return String(cString: start)
        }
    }

    package var effects: ByteArena {
        get { effectBytes.pointee }
        set { effectBytes.pointee = newValue }
    }

    package var schemaFunctions: (any SchemaFunctions)? {
        get { functions }
        set { functions = newValue as? LuaSchemaFunctions }
    }

    package func beginChecking(within limits: CallLimits) { functions?.begin(within: limits) }
    package func endChecking() -> SchemaCalls { functions?.end() ?? .none }

    package func call(_ slot: CallbackSlot, _ argument: Slice, limits: CallLimits, run: Run, frame: Int32)
        -> CallOutcome
    {
        let outer = place
        place = (Unmanaged.passUnretained(run), frame)
        defer { place = outer }
        context.pointee.fill(run, frame)
        context.pointee.slot = slot
        var count = 1
        if !argument.isNone {
            arguments[0].kind = LB_ARG_SLICE
            arguments[0].offset = argument.offset
            arguments[0].length = Int(argument.length)
            count = 2
        }
        arguments[count - 1].kind = LB_ARG_CONTEXT
        let start = run.log.arena.count
        var thread: OpaquePointer?
        let status = withUnsafeMutablePointer(to: &run.log.arena) { arena in
            let bytes = UnsafeMutableRawPointer(arena).assumingMemoryBound(to: lb_bytes.self)
            context.pointee.bridge.arena = bytes
            lb_watch_limits(vm.handle, limits.deadline, limits.cpu)
            return lb_call(vm.handle, slot, &context.pointee.bridge, arguments, count, bytes, &thread)
        }
        lb_watch_limits(vm.handle, 0, 0)
        if status == LB_REQUEST, let thread {
            lb_thread_set_tag(thread, UInt(bitPattern: context))
            context = spareContexts.popLast() ?? CallContext.make(effects: effectBytes)
        }
        return outcome(status, run, from: start, thread)
    }

    package func resume(
        _ call: OpaquePointer, token: UInt32, ok: Bool, value: UnsafeRawBufferPointer, limits: CallLimits, run: Run,
        frame: Int32
    ) -> CallOutcome {
        let outer = place
        place = (Unmanaged.passUnretained(run), frame)
        defer { place = outer }
        let held = Self.context(of: call)
        if let held { held.pointee.fill(run, frame) }
        let start = run.log.arena.count
        let status = withUnsafeMutablePointer(to: &run.log.arena) { arena in
            let bytes = UnsafeMutableRawPointer(arena).assumingMemoryBound(to: lb_bytes.self)
            held?.pointee.bridge.arena = bytes
            lb_watch_limits(vm.handle, limits.deadline, limits.cpu)
            return lb_resume(
                vm.handle, call, token, ok, value.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self),
                value.count, bytes)
        }
        lb_watch_limits(vm.handle, 0, 0)
        if status != LB_REQUEST, let held { spareContexts.append(held) }
        return outcome(status, run, from: start, status == LB_REQUEST ? call : nil)
    }

    package func close(_ call: OpaquePointer, code: String, message: String, run: Run, frame: Int32) {
        let outer = place
        place = (Unmanaged.passUnretained(run), frame)
        defer { place = outer }
        let held = Self.context(of: call)
        if let held { held.pointee.fill(run, frame) }
        var out = ByteArena()
        withUnsafeMutablePointer(to: &run.log.arena) { arena in
            held?.pointee.bridge.arena = UnsafeMutableRawPointer(arena).assumingMemoryBound(to: lb_bytes.self)
            vm.close(call, code: code, message: message, out: &out)
        }
        out.deallocate()
        if let held { spareContexts.append(held) }
    }

    private static func context(of call: OpaquePointer) -> UnsafeMutablePointer<CallContext>? {
        UnsafeMutablePointer(bitPattern: lb_thread_tag(call))
    }

    private func outcome(_ status: lb_status, _ run: Run, from start: Int, _ thread: OpaquePointer?) -> CallOutcome {
        let value = Slice(from: start, to: run.log.arena.count)
        switch status {
        case LB_DONE: return CallOutcome(status: .done, value: value)
        case LB_REQUEST: return CallOutcome(status: .suspended, value: .none, call: thread)
        case LB_CANCELLED: return CallOutcome(status: .interrupted, value: value)
        default: return CallOutcome(status: .failed, value: value)
        }
    }

    package func requests(of call: OpaquePointer) -> [CallRequest] {
        (0..<lb_thread_request_count(call)).map { index in
            let request = lb_thread_request(call, index)
            let name = UnsafeRawBufferPointer(start: request.op, count: request.op_length)
            return CallRequest(
                token: request.token, operation: String(decoding: name, as: UTF8.self),
                payload: request.payload.map { Value(ValueCursor(UnsafeRawPointer($0))) } ?? .null,
                span: request.span < 0 ? nil : request.span)
        }
    }

    package func sleep(of call: OpaquePointer) -> (token: UInt32, microseconds: Int64)? {
        guard lb_thread_request_count(call) == 1 else { return nil }
        let request = lb_thread_request(call, 0)
        guard UnsafeRawBufferPointer(start: request.op, count: request.op_length).elementsEqual("sleep".utf8),
            let payload = request.payload
        else { return nil }
        return DurationText.microseconds(ValueCursor(UnsafeRawPointer(payload))).map { (request.token, $0) }
    }

    /// What serves a request without leaving the VM's thread, where the script's library wants that.
    package var localService: ((CallRequest) -> HostAnswer?)?

    package func serve(_ request: CallRequest) -> HostAnswer? { localService?(request) }

    package func abandoned(by call: OpaquePointer) -> [UInt32] {
        let count = lb_thread_abandoned_count(call)
        return count == 0 ? [] : (0..<count).map { lb_thread_abandoned(call, $0) }
    }

    package func beginWatch(_ token: UInt64) { lb_watch_begin(vm.handle, token) }
    package func endWatch() { lb_watch_end(vm.handle) }
    package var spentCPU: UInt64 { lb_watch_spent(vm.handle) }
    package var interrupter: any CallInterrupter { VMInterrupter(vm: vm.interrupter) }
}

extension lb_slice {
    init(_ slice: Slice) { self.init(offset: slice.offset, length: slice.length) }
}

private struct VMInterrupter: CallInterrupter {
    let vm: LuaInterrupter

    func interrupt(_ token: UInt64) -> Bool { vm.interrupt(token: token) }
    func interruptAny() { vm.interruptAny() }
}
