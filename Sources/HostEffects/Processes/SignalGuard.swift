internal import CHostSystem
internal import Platform
internal import Synchronization

/// Passes signals that end this process on to a program that it waits for, so that none is left behind.
///
/// There is one at a time, on the thread that waits. Where the signals are blocked because a thread takes them, that thread calls
/// ``pass(_:)`` before it ends the process.
package final class SignalGuard {
    private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
    /// What `kill` takes for the program; 0 for none.
    private static let target = Atomic<pid_t>(0)
    /// Held while a program is being started whose number nobody knows yet, and while a signal is passed on.
    private static let starting = Mutex(())

    private var before: [(signal: Int32, action: sigaction)] = []
    private var mask = sigset_t()
    private var isHolding = true

    /// Passes a signal on to the program that is waited for; no-op where there is none. For the thread that takes the signals
    /// of the process.
    package static func pass(_ signal: Int32) {
        starting.withLock { _ in
            let target = target.load(ordering: .acquiring)
            if target != 0 { kill(target, signal == SIGINT ? SIGTERM : signal) }
        }
    }

    /// Starts a program and passes signals on to it from then on.
    ///
    /// - Parameters:
    ///   - leadsGroup: whether the program leads a process group, all of which gets them.
    ///   - start: gives the program's process id.
    func begin(leadsGroup: Bool, _ start: () throws(SystemError) -> pid_t) throws(SystemError) -> pid_t {
        try Self.starting.withLock { _ throws(SystemError) in
            let pid = try start()
            begin(leadsGroup ? -pid : pid)
            return pid
        }
    }

    /// Holds the signals back until ``begin(leadsGroup:_:)`` or ``end()``.
    init() {
        var held = sigset_t()
        sigemptyset(&held)
        for signal in Self.signals { sigaddset(&held, signal) }
        pthread_sigmask(SIG_BLOCK, &held, &mask)
        Self.target.store(0, ordering: .releasing)
    }

    /// - Parameter target: a process, or a group as its negative number; it has not been waited for.
    private func begin(_ target: pid_t) {
        Self.target.store(target, ordering: .releasing)
        for signal in Self.signals {
            var (old, new) = (sigaction(), sigaction())
            sigaction(signal, nil, &old)
            // What is ignored stays so, as under nohup.
            if Self.ignores(old) { continue }
            Self.set(&new) { number in
                let target = SignalGuard.target.load(ordering: .acquiring)
                if target != 0 { kill(target, number == SIGINT ? SIGTERM : number) }
                // Comes again when this returns, and ends the process as it would have.
                restoreDefault(number)
                raise(number)
            }
            sigaction(signal, &new, nil)
            before.append((signal, old))
        }
        release()
    }

    /// Nothing is passed on any more. No-op after the first time.
    func end() {
        Self.starting.withLock { _ in Self.target.store(0, ordering: .releasing) }
        for entry in before {
            var action = entry.action
            sigaction(entry.signal, &action, nil)
        }
        before = []
        release()
    }

    private func release() {
        guard isHolding else { return }
        isHolding = false
        pthread_sigmask(SIG_SETMASK, &mask, nil)
    }

    /// Whether the handler is `SIG_IGN`, which is 1 everywhere.
    private static func ignores(_ action: sigaction) -> Bool {
        #if canImport(Glibc)
            unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
        #elseif canImport(Musl)
            unsafeBitCast(action.__sa_handler.sa_handler, to: Int.self) == 1
        #else
            unsafeBitCast(action.__sigaction_u.__sa_handler, to: Int.self) == 1
        #endif
    }

    private static func set(_ action: inout sigaction, _ handler: @convention(c) (Int32) -> Void) {
        #if canImport(Glibc)
            action.__sigaction_handler.sa_handler = handler
        #elseif canImport(Musl)
            action.__sa_handler.sa_handler = handler
        #else
            action.__sigaction_u.__sa_handler = handler
        #endif
    }
}

private func restoreDefault(_ number: Int32) { signal(number, SIG_DFL) }
