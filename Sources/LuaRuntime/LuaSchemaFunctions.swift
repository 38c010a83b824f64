internal import CLuaBridge
package import WorkflowCore
package import WorkflowEngine

/// The refinements and transformations of a script's schemas, called in its VM.
///
/// They run between two calls of the script, on the VM's thread; they may not ask the host for anything that takes time.
package final class LuaSchemaFunctions: SchemaFunctions {
    private let vm: LuaVM
    /// What the functions of one validation may take together.
    private var limits = CallLimits.none
    private var calls = SchemaCalls.none

    package init(vm: LuaVM) { self.vm = vm }

    /// Begins a validation, whose functions may take as much as this together.
    package func begin(within limits: CallLimits) {
        self.limits = limits
        calls = .none
    }

    /// Ends a validation: whether functions were called, and whether one was stopped. None was called after that one.
    package func end() -> SchemaCalls {
        limits = .none
        return calls
    }

    package func refine(_ slot: Int, _ value: ValueCursor) -> SchemaRefinement {
        var out = ByteArena()
        defer { out.deallocate() }
        if let failure = call(slot, value, &out) { return .fails(message: failure) }
        // A refinement gives two results: whether the value passes, and a message if it does not.
        let results = Array(ValueCursor(out.bytes).items)
        let passes = results.first.map { !$0.isNull && $0.bool != false } ?? false
        return passes ? .passes : .fails(message: results.dropFirst().first?.string)
    }

    package func transform(_ slot: Int, _ value: ValueCursor, into arena: inout ByteArena) -> SchemaTransformation {
        var out = ByteArena()
        defer { out.deallocate() }
        if let failure = call(slot, value, &out) { return .fails(message: failure) }
        arena.append(out.bytes)
        return .done
    }

    /// Calls the function; the message of its failure, or nil.
    private func call(_ slot: Int, _ value: ValueCursor, _ out: inout ByteArena) -> String? {
        if calls == .stopped { return "stopped" }
        guard let slot = UInt32(exactly: slot) else { return "the schema names a function that does not exist" }
        calls = .some
        var argument = lb_arg()
        argument.kind = LB_ARG_POINTER
        argument.pointer = value.start.assumingMemoryBound(to: UInt8.self)
        argument.length = value.byteCount
        var suspended: OpaquePointer?
        lb_watch_limits(vm.handle, limits.deadline, limits.cpu)
        let status = vm.call(
            slot: slot, context: nil, arguments: &argument, count: 1, out: &out, suspended: &suspended)
        lb_watch_limits(vm.handle, 0, 0)
        limits.spend(lb_watch_spent(vm.handle))
        switch status {
        case LB_DONE: return nil
        case LB_REQUEST:
            if let suspended {
                var rest = ByteArena()
                defer { rest.deallocate() }
                vm.close(suspended, code: "cancelled", message: "a schema's function may not wait", out: &rest)
            }
            return "a schema's function may not wait for the host"
        case LB_CANCELLED:
            calls = .stopped
            return LuaError(out).message
        default: return LuaError(out).message
        }
    }
}
