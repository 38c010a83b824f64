package import CLuaBridge
package import FlatValue
internal import WorkflowCore

/// A sandboxed Lua VM: the one owner of the bridge's `lb_vm`.
///
/// It belongs to the thread that made it, whose C stack must be at least 1 MiB (see the engine's `WorkerThread`); only
/// ``interrupter`` may be used elsewhere. The calls of the hot path are thin wrappers that neither allocate nor throw: a
/// status comes back, and the result or the error object has been appended to the arena.
///
/// ```swift
/// let vm = try LuaVM(host: host)
/// try vm.loadPrelude(name: "aikit", source: source)
/// ```
package final class LuaVM {
    /// The bridge's VM, for the engine's executor; dead when the owner is.
    package let handle: OpaquePointer
    private let link: HostLink

    /// - Parameters:
    ///   - memoryLimit: in bytes; 0 means none.
    ///   - closeGrace: how long to-be-closed variables may run after a cancel.
    package init(host: any LuaHost, memoryLimit: Int = 0, closeGrace: Duration = .milliseconds(50)) throws(LuaError) {
        link = HostLink(host)
        var config = lb_config()
        config.memory_limit = memoryLimit
        config.memory_reserve = MemoryAllowance.reserve
        config.close_grace = UInt64(max(0, closeGrace / .nanoseconds(1)))
        config.user = Unmanaged.passUnretained(link).toOpaque()
        config.sync = HostLink.sync
        config.load_module = HostLink.loadModule
        config.now = HostLink.now
        config.elapsed = HostLink.elapsed
        guard let handle = lb_vm_create(&config) else {
            throw LuaError(code: "out_of_memory", message: "not enough memory for a Lua VM")
        }
        self.handle = handle
    }

    deinit { lb_vm_destroy(handle) }

    /// Whether the code that runs is being stopped, for work of the host on its behalf.
    package var isStopping: Bool { lb_watch_is_stopping(handle) }

    package var memoryUsed: Int { lb_vm_memory_used(handle) }

    /// A full garbage collection that also gives idle coroutines back.
    package func collectGarbage() { lb_vm_gc(handle) }

    /// Stops what runs in the VM; may be used from any thread for as long as the VM lives.
    package var interrupter: LuaInterrupter { LuaInterrupter(handle: handle) }

    /// Runs a trusted chunk, which gets the bridge table, and keeps what it returns as a module.
    package func loadPrelude(name: String, source: UnsafeBufferPointer<UInt8>) throws(LuaError) {
        var out = ByteArena()
        defer { out.deallocate() }
        let status = source.withMemoryRebound(to: CChar.self) { source in
            withBytes(&out) { lb_load_prelude(handle, name, source.baseAddress.unsafelyUnwrapped, source.count, $0) }
        }
        guard status == LB_DONE else { throw LuaError(out) }
    }

    /// Compiles a script and runs its main chunk. On ``LB_DONE`` the slot of the function it returned (or null) was appended.
    package func load(
        source: UnsafeRawBufferPointer, chunkName: String, context: UnsafeMutablePointer<lb_context>? = nil,
        out: inout ByteArena, suspended: inout OpaquePointer?
    ) -> lb_status {
        withBytes(&out) { out in
            // An empty file has no bytes to point at.
            let start = source.baseAddress ?? UnsafeRawPointer(out)
            return lb_load(
                handle, start.assumingMemoryBound(to: CChar.self), source.count, chunkName, context, out, &suspended)
        }
    }

    /// Calls the function in a slot; see `lb_call`.
    @inlinable
    package func call(
        slot: UInt32, context: UnsafeMutablePointer<lb_context>?, arguments: UnsafePointer<lb_arg>?, count: Int,
        out: inout ByteArena, suspended: inout OpaquePointer?
    ) -> lb_status {
        withBytes(&out) { lb_call(handle, slot, context, arguments, count, $0, &suspended) }
    }

    /// Answers a request of a suspended coroutine, and goes on; see `lb_resume`.
    @inlinable
    package func resume(
        _ thread: OpaquePointer, token: UInt32, ok: Bool, value: UnsafeRawBufferPointer, out: inout ByteArena
    ) -> lb_status {
        withBytes(&out) {
            lb_resume(
                handle, thread, token, ok, value.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UInt8.self),
                value.count, $0)
        }
    }

    /// Cancels a suspended coroutine and runs its to-be-closed variables; see `lb_close`.
    package func close(_ thread: OpaquePointer, code: String, message: String, out: inout ByteArena) {
        _ = withBytes(&out) { lb_close(handle, thread, code, message, $0) }
    }

    /// The arena as the bridge sees it: the two structs have one layout.
    @inlinable
    func withBytes<Result>(_ arena: inout ByteArena, _ body: (UnsafeMutablePointer<lb_bytes>) -> Result) -> Result {
        withUnsafeMutablePointer(to: &arena) {
            body(UnsafeMutableRawPointer($0).assumingMemoryBound(to: lb_bytes.self))
        }
    }
}

/// Stops the code of one run, wherever it loops.
package struct LuaInterrupter: @unchecked Sendable {
    // The bridge's interrupt may be called from any thread while the VM lives, which the holder has to know.
    let handle: OpaquePointer

    /// Stops what runs for `token` (see `lb_watch_begin`); false when the VM works for somebody else.
    @discardableResult
    package func interrupt(token: UInt64) -> Bool { lb_vm_interrupt(handle, token) }

    /// Stops what runs, for whichever token.
    package func interruptAny() { lb_vm_interrupt_any(handle) }
}
