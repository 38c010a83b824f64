internal import Platform

/// A thread with a stack of its own size: Lua recurses on the C stack, and the default of a secondary thread is too small.
package enum WorkerThread {
    package static let stackSize = 8 << 20

    /// Starts a thread that runs `body` and ends with it. Where the system has none to give for a while, the process says so and
    /// ends with status 1: nothing can be done without it, and stored runs go on in another process.
    package static func start(_ body: @escaping @Sendable () -> Void) {
        guard let refusal = startUnlessRefused(body) else { return }
        write("error: \(refusal)\n")
        _exit(1)
    }

    /// Starts a thread that runs `body` and ends with it, trying for half a second where the system refuses.
    ///
    /// - Returns: in words why there is none and what helps, or nil; `body` is not called then.
    package static func startUnlessRefused(_ body: @escaping @Sendable () -> Void) -> String? {
        var status: Int32 = 0
        for _ in 0..<50 {
            status = tryStart(body)
            if status != EAGAIN { break }
            usleep(10_000)
        }
        guard status != 0 else { return nil }
        return
            "the system refused a thread: \(String(cString: strerror(status))); raise the limit of processes and threads "
            + "(ulimit -u, TasksMax, pids.max) or of memory, or use fewer --workers"
    }

    private static func write(_ text: String) {
        _ = Array(text.utf8).withUnsafeBytes { systemWrite(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// The system's error number, or 0.
    private static func tryStart(_ body: @escaping @Sendable () -> Void) -> Int32 {
        let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
        defer { attributes.deallocate() }
        pthread_attr_init(attributes)
        pthread_attr_setstacksize(attributes, stackSize)
        pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
        let box = Unmanaged.passRetained(Body(run: body))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let status = pthread_create(
            &thread, attributes,
            { argument in
                #if canImport(Darwin)
                    let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                #else
                    guard let argument else { return nil }
                    let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                #endif
                body.run()
                return nil
            }, box.toOpaque())
        pthread_attr_destroy(attributes)
        if status != 0 { box.release() }
        return status
    }

    private final class Body {
        let run: @Sendable () -> Void

        init(run: @escaping @Sendable () -> Void) { self.run = run }
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
