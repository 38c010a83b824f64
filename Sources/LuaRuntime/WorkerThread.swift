internal import CLuaBridge
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A thread with a C stack of a size of its own, on which a VM lives.
///
/// Lua's own recursion limits assume a large C stack (nested `gsub` overflows 256 KiB), and the stacks of pool threads are of
/// anybody's size. The thread runs `body` once; ``join()`` waits for it.
///
/// ```swift
/// let thread = WorkerThread(name: "worker-1") { worker.loop() }
/// thread.join()
/// ```
package final class WorkerThread: Sendable {
    /// In bytes; only what is touched takes memory.
    package static let defaultStackSize = 8 << 20

    private final class Start {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private let thread: Mutex<pthread_t?>

    /// Starts the thread. Ends the process when the system has no thread to give.
    package init(
        name: String, stackSize: Int = WorkerThread.defaultStackSize, body: @escaping @Sendable () -> Void
    ) {
        let attributes = UnsafeMutablePointer<pthread_attr_t>.allocate(capacity: 1)
        pthread_attr_init(attributes)
        pthread_attr_setstacksize(attributes, max(stackSize, 1 << 20))
        defer {
            pthread_attr_destroy(attributes)
            attributes.deallocate()
        }
        let start = Unmanaged.passRetained(
            Start {
                lb_name_thread(name)
                body()
            })
        #if canImport(Darwin)
            var handle: pthread_t?
            let status = pthread_create(&handle, attributes, { WorkerThread.run($0) }, start.toOpaque())
        #else
            var handle = pthread_t()
            let status = pthread_create(&handle, attributes, { WorkerThread.run($0) }, start.toOpaque())
        #endif
        guard status == 0 else { fatalError("cannot start a thread: \(String(cString: strerror(status)))") }
        thread = Mutex(handle)
    }

    private static func run(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        if let argument { Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
    }

    /// Waits until the body has returned; later calls return at once. May not be called on the thread itself.
    package func join() {
        let handle = thread.withLock { handle in
            defer { handle = nil }
            return handle
        }
        if let handle { pthread_join(handle, nil) }
    }
}
