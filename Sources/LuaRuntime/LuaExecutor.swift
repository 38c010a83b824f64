internal import CLuaBridge
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
    /// The names of the plan that was used last, as C reads them.
    private var names: PlanNames?
    private var namesByPlan: [ObjectIdentifier: PlanNames] = [:]
    package var schemaFunctions: (any SchemaFunctions)?

    package init(vm: LuaVM) {
        self.vm = vm
        effectBytes = .allocate(capacity: 1)
        effectBytes.initialize(to: ByteArena())
        context = CallContext.make()
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

    package var effects: ByteArena {
        get { effectBytes.pointee }
        set { effectBytes.pointee = newValue }
    }

    package func call(_ slot: CallbackSlot, _ argument: Slice, run: Run, frame: Int32) -> CallOutcome {
        fill(context, run, frame)
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
            return lb_call(vm.handle, slot, &context.pointee.bridge, arguments, count, bytes, &thread)
        }
        if status == LB_REQUEST, let thread {
            lb_thread_set_tag(thread, UInt(bitPattern: context))
            context = spareContexts.popLast() ?? CallContext.make()
        }
        return outcome(status, run, from: start, thread)
    }

    package func resume(
        _ call: OpaquePointer, token: UInt32, ok: Bool, value: UnsafeRawBufferPointer, run: Run, frame: Int32
    ) -> CallOutcome {
        let held = Self.context(of: call)
        if let held { fill(held, run, frame) }
        let start = run.log.arena.count
        let status = withUnsafeMutablePointer(to: &run.log.arena) { arena in
            let bytes = UnsafeMutableRawPointer(arena).assumingMemoryBound(to: lb_bytes.self)
            held?.pointee.bridge.arena = bytes
            return lb_resume(
                vm.handle, call, token, ok, value.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self),
                value.count, bytes)
        }
        if status != LB_REQUEST, let held { spareContexts.append(held) }
        return outcome(status, run, from: start, status == LB_REQUEST ? call : nil)
    }

    package func close(_ call: OpaquePointer, code: String, message: String, run: Run, frame: Int32) {
        let held = Self.context(of: call)
        if let held { fill(held, run, frame) }
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

    package func requests(of call: OpaquePointer) -> [HostRequest] {
        (0..<lb_thread_request_count(call)).map { index in
            let request = lb_thread_request(call, index)
            let name = UnsafeRawBufferPointer(start: request.op, count: request.op_length)
            return HostRequest(
                token: request.token, operation: String(decoding: name, as: UTF8.self),
                payload: request.payload.map { Value(ValueCursor(UnsafeRawPointer($0))) } ?? .null)
        }
    }

    /// What serves a request without leaving the VM's thread, where the script's library wants that.
    package var localService: ((HostRequest) -> HostAnswer?)?

    package func serve(_ request: HostRequest) -> HostAnswer? { localService?(request) }

    package func abandoned(by call: OpaquePointer) -> [UInt32] {
        let count = lb_thread_abandoned_count(call)
        return count == 0 ? [] : (0..<count).map { lb_thread_abandoned(call, $0) }
    }

    package func beginWatch(_ token: UInt64) { lb_watch_begin(vm.handle, token) }
    package func endWatch() { lb_watch_end(vm.handle) }
    package func setDeadline(_ nanoseconds: UInt64) { lb_watch_deadline(vm.handle, nanoseconds) }
    package var interrupter: any CallInterrupter { VMInterrupter(vm: vm.interrupter) }

    // MARK: The context

    /// Writes into the context what a frame is, before each return to Lua.
    private func fill(_ target: UnsafeMutablePointer<CallContext>, _ run: Run, _ frame: Int32) {
        let names = names(of: run.plan)
        let state = run.machine.frames[Int(frame)]
        let node = run.plan.nodes[Int(state.node)]
        target.pointee.bridge.workflow_id = UnsafePointer(names.ids[0])
        target.pointee.bridge.run_id = UnsafePointer(run.identifier)
        target.pointee.bridge.step_id = UnsafePointer(names.ids[Int(state.node)])
        if node.body == 0 || state.node == 0 {
            target.pointee.bridge.path = UnsafePointer(names.ids[Int(state.node)])
            target.pointee.bridge.iteration = node.kind == .loop ? UInt32(state.opened) + 1 : 0
        } else {
            target.pointee.writePath(run.machine.path(of: frame))
            target.pointee.bridge.path = UnsafePointer(target.pointee.path)
            target.pointee.bridge.iteration =
                node.kind == .loop ? UInt32(state.opened) + 1 : run.machine.iteration(of: frame)
        }
        target.pointee.bridge.attempt = UInt32(max(state.attempt, 1))
        target.pointee.bridge.occurrence = state.occurrence
        target.pointee.bridge.initial_input = lb_slice(run.machine.initialInput)
        target.pointee.bridge.input = lb_slice(state.input)
        target.pointee.bridge.metadata = lb_slice(run.machine.metadata)
        target.pointee.bridge.ctx = lb_slice(run.machine.ctx)
        // The store lies still while Lua runs: only the machine moves it, between calls.
        target.pointee.bridge.store_count = UInt32(run.machine.store.count)
        target.pointee.bridge.store =
            run.machine.store.isEmpty
            ? nil
            : run.machine.store.withUnsafeBufferPointer {
                UnsafeRawPointer($0.baseAddress.unsafelyUnwrapped).assumingMemoryBound(to: lb_store_entry.self)
            }
        target.pointee.bridge.aborted = state.phase == .stopping ? 1 : 0
        target.pointee.bridge.ctx_read_only = node.concurrent ? 1 : 0
        target.pointee.bridge.effects = UnsafeMutableRawPointer(effectBytes).assumingMemoryBound(to: lb_bytes.self)
    }

    private func names(of plan: Plan) -> PlanNames {
        if let names, names.plan === plan { return names }
        let key = ObjectIdentifier(plan)
        let found = namesByPlan[key] ?? PlanNames(plan)
        namesByPlan[key] = found
        names = found
        return found
    }
}

/// The context of one call, with the memory of its path.
struct CallContext {
    var bridge = lb_context()
    var path: UnsafeMutablePointer<CChar>
    private var capacity: Int

    private init() {
        capacity = 64
        path = .allocate(capacity: capacity)
        path[0] = 0
    }

    static func make() -> UnsafeMutablePointer<CallContext> {
        let context = UnsafeMutablePointer<CallContext>.allocate(capacity: 1)
        context.initialize(to: CallContext())
        return context
    }

    static func free(_ context: UnsafeMutablePointer<CallContext>) {
        context.pointee.path.deallocate()
        context.deallocate()
    }

    mutating func writePath(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            if utf8.count >= capacity {
                path.deallocate()
                capacity = utf8.count + 64
                path = .allocate(capacity: capacity)
            }
            UnsafeMutableRawPointer(path).copyMemory(
                from: UnsafeRawPointer(utf8.baseAddress.unsafelyUnwrapped), byteCount: utf8.count)
            path[utf8.count] = 0
        }
    }
}

/// The ids of a plan's nodes as C strings.
private final class PlanNames {
    let plan: Plan
    let ids: [UnsafeMutablePointer<CChar>]

    init(_ plan: Plan) {
        self.plan = plan
        ids = plan.details.map { details in
            let utf8 = details.id.utf8CString
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: utf8.count)
            for (offset, byte) in utf8.enumerated() { copy[offset] = byte }
            return copy
        }
    }

    deinit { for id in ids { id.deallocate() } }
}

extension lb_slice {
    init(_ slice: Slice) { self.init(offset: slice.offset, length: slice.length) }
}

private struct VMInterrupter: CallInterrupter {
    let vm: LuaInterrupter

    func interrupt(_ token: UInt64) -> Bool { vm.interrupt(token: token) }
}
