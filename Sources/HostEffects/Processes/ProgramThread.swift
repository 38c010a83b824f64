internal import Platform

/// The thread that looks after one program, and what wakes it.
///
/// SIGPIPE is blocked on it: a program that does not read its input is no reason to end.
final class ProgramThread: Sendable {
    private let wakeUp = WakeUp()
    /// Readable once ``wake()`` was called, until ``clear()`` is; the pipe is closed when the thread ends.
    var waking: Int32 { wakeUp.descriptor }

    /// - Throws: `exec_failed` where the process has no descriptors left.
    init() throws(HostFailure) {
        if wakeUp.descriptor < 0 { throw Self.refused(SystemError(EMFILE)) }
    }

    /// Starts the thread, which ends with `work`. Called once.
    ///
    /// - Throws: `exec_failed` where the system refuses a thread.
    func start(_ work: @escaping @Sendable () -> Void) throws(HostFailure) {
        let status = DetachedThread.start { [wakeUp] in
            var signals = sigset_t()
            sigemptyset(&signals)
            sigaddset(&signals, SIGPIPE)
            pthread_sigmask(SIG_BLOCK, &signals, nil)
            work()
            wakeUp.close()
        }
        if status != 0 { throw Self.refused(SystemError(status)) }
    }

    /// Wakes the thread; no-op when it has ended. Any thread.
    func wake() { wakeUp.wake() }

    /// Forgets that the thread was woken.
    func clear() { wakeUp.clear() }

    private static func refused(_ error: SystemError) -> HostFailure {
        HostFailure("exec_failed", "no program can be started now: \(error.message)", retryable: true)
    }
}
