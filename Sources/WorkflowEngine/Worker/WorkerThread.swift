internal import Platform

/// A thread with a stack of its own size: Lua recurses on the C stack, and the default of a secondary thread is too small.
package enum WorkerThread {
    package static let stackSize = 8 << 20

    /// Starts a thread that runs `body` and ends with it. Where the system has none to give for a while, the process says so and
    /// ends with status 1: nothing can be done without it, and stored runs go on in another process.
    ///
    /// - Parameter stackSize: in bytes; for a thread that runs no Lua it may be less.
    package static func start(stackSize: Int = stackSize, _ body: @escaping @Sendable () -> Void) {
        guard let refusal = startUnlessRefused(stackSize: stackSize, body) else { return }
        write("error: \(refusal)\n")
        _exit(1)
    }

    /// Starts a thread that runs `body` and ends with it, trying for half a second where the system refuses.
    ///
    /// - Returns: in words why there is none and what helps, or nil; `body` is not called then.
    package static func startUnlessRefused(
        stackSize: Int = stackSize, _ body: @escaping @Sendable () -> Void
    ) -> String? {
        let status = DetachedThread.start(stackSize: stackSize, patience: 500, body)
        guard status != 0 else { return nil }
        return
            "the system refused a thread: \(String(cString: strerror(status))); raise the limit of processes and threads "
            + "(ulimit -u, TasksMax, pids.max) or of memory, or use fewer --workers"
    }

    private static func write(_ text: String) {
        _ = Array(text.utf8).withUnsafeBytes { systemWrite(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
