internal import CLuaBridge
internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// The context of one call, as the bridge reads it.
///
/// It is filled before each return to Lua, so it holds what costs nothing to know; the path of a nested step is written when
/// the script asks for it.
struct CallContext {
    /// Comes first: the address of one is the address of the other.
    var bridge = lb_context()
    private unowned(unsafe) var run: Run?
    private var frame: Int32 = 0
    /// The callback that is called.
    var slot: CallbackSlot = 0

    private init(effects: UnsafeMutablePointer<ByteArena>) {
        bridge.effects = UnsafeMutableRawPointer(effects).assumingMemoryBound(to: lb_bytes.self)
        bridge.write_reason = Self.writeReason
        bridge.find_store = Self.findStore
        bridge.write_origin = Self.writeOrigin
        bridge.write_span = Self.writeSpan
        bridge.is_sampled = { context in
            let call = UnsafeRawPointer(context).assumingMemoryBound(to: CallContext.self)
            return call.pointee.run?.isTraceSampled ?? false
        }
        bridge.write_path = { context, out in
            let call = UnsafeRawPointer(context).assumingMemoryBound(to: CallContext.self)
            guard let run = call.pointee.run else { return }
            var path = run.machine.path(of: call.pointee.frame)
            path.withUTF8 {
                UnsafeMutableRawPointer(out).assumingMemoryBound(to: ByteArena.self).pointee.append(
                    UnsafeRawBufferPointer($0))
            }
        }
    }

    /// Says what time and chance of the call go by.
    private static let writeOrigin:
        @convention(c) (UnsafePointer<lb_context>, UnsafeMutablePointer<lb_origin>) -> Void = { context, out in
            let call = UnsafeRawPointer(context).assumingMemoryBound(to: CallContext.self)
            guard let run = call.pointee.run else { return }
            out.pointee.started = run.machine.started
            let seed = run.seed(of: call.pointee.frame, calling: call.pointee.slot)
            out.pointee.seed = (seed.0, seed.1)
        }

    /// Gives the number behind which those of the call's own spans lie, and says what the id of the step's span is the hash of.
    private static let writeSpan: @convention(c) (UnsafePointer<lb_context>, UnsafeMutablePointer<lb_bytes>?) -> Int64 =
        { context, out in
            let call = UnsafeRawPointer(context).assumingMemoryBound(to: CallContext.self)
            guard let run = call.pointee.run else { return 0 }
            let first = run.firstSpan(of: call.pointee.frame, calling: call.pointee.slot)
            guard let out else { return first }
            var text = run.spanParts(of: call.pointee.frame).joined(separator: "\0")
            text.withUTF8 {
                UnsafeMutableRawPointer(out).assumingMemoryBound(to: ByteArena.self).pointee.append(
                    UnsafeRawBufferPointer($0))
            }
            return first
        }

    /// Looks a key up in the run's store, for a script that reads one of many.
    private static let findStore: @convention(c) (UnsafePointer<lb_context>, UnsafePointer<UInt8>, Int) -> lb_slice = {
        context, key, length in
        let call = UnsafeRawPointer(context).assumingMemoryBound(to: CallContext.self)
        guard let run = call.pointee.run, let arena = context.pointee.arena else { return lb_slice() }
        let bytes = UnsafeRawPointer(arena).assumingMemoryBound(to: ByteArena.self).pointee
        let key = UnsafeRawBufferPointer(start: key, count: length)
        return run.machine.store.value(of: key, in: bytes).map { lb_slice($0) } ?? lb_slice()
    }

    /// Why the run is to stop, for a script that asks.
    private static let writeReason: @convention(c) (UnsafePointer<lb_context>, UnsafeMutablePointer<lb_bytes>) -> Void =
        { context, out in
            let call = UnsafeRawPointer(context).assumingMemoryBound(to: CallContext.self)
            var reason = call.pointee.run?.stopReason ?? "cancelled"
            reason.withUTF8 {
                UnsafeMutableRawPointer(out).assumingMemoryBound(to: ByteArena.self).pointee.append(
                    UnsafeRawBufferPointer($0))
            }
        }

    /// - Parameter effects: where the script's effects go; it outlives the context.
    static func make(effects: UnsafeMutablePointer<ByteArena>) -> UnsafeMutablePointer<CallContext> {
        let context = UnsafeMutablePointer<CallContext>.allocate(capacity: 1)
        context.initialize(to: CallContext(effects: effects))
        return context
    }

    static func free(_ context: UnsafeMutablePointer<CallContext>) { context.deallocate() }

    /// Writes what a frame is.
    mutating func fill(_ run: Run, _ frame: Int32) {
        self.run = run
        self.frame = frame
        bridge.workflow_id = run.plan.name(of: 0)
        bridge.run_id = UnsafePointer(run.identifier)
        fill(run.machine, frame)
    }

    private mutating func fill(_ machine: borrowing RunMachine, _ frame: Int32) {
        let state = machine.frames[Int(frame)]
        let node = machine.plan.nodes[Int(state.node)]
        let id = machine.plan.name(of: state.node)
        let isOutermost = node.body == 0 || state.node == 0
        bridge.step_id = id
        bridge.path = isOutermost ? id : nil
        bridge.closing = machine.isClosing ? frame == 0 ? 2 : 1 : 0
        bridge.iteration =
            node.kind == .loop ? UInt32(state.opened) + 1 : isOutermost ? 0 : machine.iteration(of: frame)
        bridge.attempt = UInt32(max(state.attempt, 1))
        bridge.occurrence = state.occurrence
        bridge.initial_input = lb_slice(machine.initialInput)
        bridge.input = lb_slice(state.input)
        bridge.trace = lb_slice(machine.trace.newest)
        bridge.metadata = lb_slice(machine.metadata)
        bridge.ctx = lb_slice(machine.ctx)
        bridge.tags = lb_slice(machine.tags)
        // The store lies still while Lua runs: only the machine moves it, between calls.
        bridge.store_count = UInt32(machine.store.count)
        bridge.store = machine.store.entries.elements.baseAddress.map {
            UnsafeRawPointer($0).assumingMemoryBound(to: lb_store_entry.self)
        }
        bridge.aborted = state.phase == .stopping ? 1 : 0
        bridge.abort_reason = nil
        bridge.ctx_read_only = node.concurrent && !machine.isClosing ? 1 : 0
    }
}
