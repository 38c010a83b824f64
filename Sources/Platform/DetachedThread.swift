/// A thread of the system that nobody waits for.
package enum DetachedThread {
    /// Starts a thread that runs `body` and ends with it.
    ///
    /// - Parameters:
    ///   - stackSize: in bytes; nil for the system's default.
    ///   - patience: how long it tries again where the system has no thread to give for now, in milliseconds.
    /// - Returns: 0, or the system's error number; `body` is dropped then and never called.
    package static func start(
        stackSize: Int? = nil, patience: Int = 0, _ body: @escaping @Sendable () -> Void
    ) -> Int32 {
        let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
        defer { attributes.deallocate() }
        pthread_attr_init(attributes)
        defer { pthread_attr_destroy(attributes) }
        if let stackSize { pthread_attr_setstacksize(attributes, stackSize) }
        pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
        let box = Unmanaged.passRetained(Body(run: body))
        var status = create(attributes, box.toOpaque())
        for _ in 0..<max(patience / pause, 0) where status == EAGAIN {
            usleep(UInt32(pause) * 1000)
            status = create(attributes, box.toOpaque())
        }
        if status != 0 { box.release() }
        return status
    }

    /// Between two tries, in milliseconds.
    private static let pause = 10

    private static func create(_ attributes: UnsafeMutablePointer<pthread_attr_t>, _ box: UnsafeMutableRawPointer)
        -> Int32
    {
        #if canImport(Darwin)
            var thread: pthread_t?
            return pthread_create(&thread, attributes, { runBody($0) }, box)
        #else
            var thread = pthread_t()
            return pthread_create(&thread, attributes, { runBody($0) }, box)
        #endif
    }
}

/// What tells the calling thread from the others that there are; never 0.
package func currentThread() -> UInt {
    #if canImport(Darwin)
        UInt(bitPattern: pthread_self())
    #else
        UInt(pthread_self())
    #endif
}

private final class Body {
    let run: @Sendable () -> Void

    init(run: @escaping @Sendable () -> Void) { self.run = run }
}

private func runBody(_ box: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let box { Unmanaged<Body>.fromOpaque(box).takeRetainedValue().run() }
    return nil
}
