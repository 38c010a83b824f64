internal import CHostSystem
internal import Platform
internal import Synchronization

/// The thread that looks after one program, and what wakes it.
///
/// SIGPIPE is blocked on it: a program that does not read its input is no reason to end.
final class ProgramThread: Sendable {
    /// Readable once ``wake()`` was called; closed when the thread ends.
    let waking: Int32
    private let writing: Int32
    private let isOpen = Mutex(true)

    /// - Throws: `exec_failed` where the process has no descriptors left.
    init() throws(HostFailure) {
        do throws(SystemError) {
            (waking, writing) = try Descriptor.pipe()
        } catch {
            throw Self.refused(error)
        }
        for descriptor in [waking, writing] {
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        }
    }

    deinit { close() }

    /// Starts the thread, which ends with `work`. Called once.
    ///
    /// - Throws: `exec_failed` where the system refuses a thread.
    func start(_ work: @escaping @Sendable () -> Void) throws(HostFailure) {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let body = Unmanaged.passRetained(
            Body {
                var signals = sigset_t()
                sigemptyset(&signals)
                sigaddset(&signals, SIGPIPE)
                pthread_sigmask(SIG_BLOCK, &signals, nil)
                work()
                self.close()
            })
        let status = pthread_create(&thread, &attributes, runBody, body.toOpaque())
        guard status == 0 else {
            body.release()
            throw Self.refused(SystemError(status))
        }
    }

    /// Wakes the thread; no-op when it has ended. Any thread.
    func wake() {
        isOpen.withLock { isOpen in
            guard isOpen else { return }
            var byte: UInt8 = 1
            _ = write(writing, &byte, 1)
        }
    }

    private func close() {
        isOpen.withLock { isOpen in
            guard isOpen else { return }
            isOpen = false
            closeDescriptor(waking)
            closeDescriptor(writing)
        }
    }

    private static func refused(_ error: SystemError) -> HostFailure {
        HostFailure("exec_failed", "no program can be started now: \(error.message)", retryable: true)
    }
}

private final class Body {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private func runBody(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
    return nil
}

private func closeDescriptor(_ descriptor: Int32) { close(descriptor) }
