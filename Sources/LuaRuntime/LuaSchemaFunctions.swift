internal import CLuaBridge
package import FlatValue
package import JSONSchema
internal import WorkflowCore
package import WorkflowEngine

/// The refinements and transformations of a script's schemas, called in its VM.
///
/// They run between two calls of the script, on the VM's thread; they may not ask the host for anything that takes time.
package final class LuaSchemaFunctions: SchemaFunctions {
    private let vm: LuaVM
    private var budget = CheckBudget()

    package init(vm: LuaVM) { self.vm = vm }

    /// Begins a validation, which may take as much as this with all that it calls.
    package func begin(within limits: CallLimits) { budget.begin(within: limits) }

    /// Ends a validation: whether functions were called, and whether it was stopped.
    package func end() -> SchemaCalls { budget.end() }

    /// Also false while the code of the VM is being stopped, for a validation that it waits for.
    package func mayContinue() -> Bool { budget.mayContinue(isCancelled: lb_watch_is_stopping(vm.handle)) }

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
        if budget.calls == .stopped { return "stopped" }
        guard let slot = UInt32(exactly: slot) else { return "the schema names a function that does not exist" }
        var argument = lb_arg()
        argument.kind = LB_ARG_POINTER
        argument.pointer = value.start.assumingMemoryBound(to: UInt8.self)
        argument.length = value.byteCount
        var suspended: OpaquePointer?
        lb_watch_limits(vm.handle, budget.limits.deadline, budget.limits.cpu)
        let status = vm.call(
            slot: slot, context: nil, arguments: &argument, count: 1, out: &out, suspended: &suspended)
        lb_watch_limits(vm.handle, 0, 0)
        budget.called(spending: lb_watch_spent(vm.handle), wasStopped: status == LB_CANCELLED)
        switch status {
        case LB_DONE: return nil
        case LB_REQUEST:
            if let suspended {
                var rest = ByteArena()
                defer { rest.deallocate() }
                vm.close(suspended, code: "cancelled", message: "a schema's function may not wait", out: &rest)
            }
            return "a schema's function may not wait for the host"
        default: return LuaError(out).message
        }
    }
}
