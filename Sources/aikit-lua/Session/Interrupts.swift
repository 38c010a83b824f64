internal import HostEffects
internal import Platform
internal import Synchronization
internal import WorkflowEngine

/// Ctrl-C and requests to end: each is told until somebody has no more patience, and then the process ends.
///
/// The signals are blocked in every thread that begins later, and one thread waits for them; so what is done on a signal
/// is ordinary code and not bound by the rules of signal handlers. Another thread does it: where the system refuses threads to
/// the libraries, it may hang, as all tasks do, and then the process is ended by the first one.
enum Interrupts {
    private static let first = Atomic<Int32>(0)

    /// Within which the same signal is one wish, however often it is sent: a person cannot mean two, and a process may signal
    /// this one and its group.
    static let burstTime = Duration.milliseconds(250)

    /// How long tasks may stand still after a signal before the process ends all the same.
    private static let patience = Duration.seconds(8)
    /// Bytes of the stacks of the two threads.
    private static let stackSize = 512 << 10

    /// What becomes of the process after a signal.
    enum Response {
        case goesOn
        case ends
    }

    /// The first signal that came. It is known here before anything is done about it, so a run that a signal cancelled is
    /// never taken for one that was cancelled otherwise.
    static var caught: Int32? {
        let signal = first.load(ordering: .acquiring)
        return signal == 0 ? nil : signal
    }

    /// Begins to listen; the second signal ends the process. Called once, before any other thread exists; `onFirst` is
    /// called on a thread of its own.
    static func install(onFirst: @escaping @Sendable (Int32) -> Void) {
        install { signal, count in
            guard count == 1 else { return .ends }
            onFirst(signal)
            return .goesOn
        }
    }

    /// Begins to listen for Ctrl-C, SIGTERM and the end of the terminal (SIGHUP), unless the process was told to ignore that one, as
    /// by `nohup`. Called once, before any other thread exists.
    ///
    /// - Parameters:
    ///   - onStandstill: hears that the process is about to end since its tasks have stood still for too long after a signal;
    ///     called on a thread of its own, and may take a moment.
    ///   - onSignal: gets each signal, and how many wishes to end there have been with it; called on a thread of its own. A
    ///     hangup may come several times at once and beside others, so it is told only if it is the first signal, and the one that
    ///     follows it counts as the first again.
    static func install(
        onStandstill: @escaping @Sendable () -> Void = {},
        onSignal: @escaping @Sendable (_ signal: Int32, _ count: Int) -> Response
    ) {
        let numbers = [SIGINT, SIGTERM] + (isIgnored(SIGHUP) ? [] : [SIGHUP])
        var signals = set(of: numbers)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let wishes = SignalWishes()
        WorkerThread.start(stackSize: stackSize) {
            wishes.heed { signal, count in if onSignal(signal, count) == .ends { end(by: signal) } }
        }
        WorkerThread.start(stackSize: stackSize) {
            let signals = set(of: numbers)
            var count = 0
            var newest: (arrival: Arrival, time: ContinuousClock.Instant)?
            while true {
                let limit = wishes.oldest.map { patience - (ContinuousClock.now - $0) }
                guard let arrival = Arrival(waitingFor: signals, at: limit) else {
                    if let stuck = wishes.oldest, ContinuousClock.now - stuck >= patience {
                        onStandstill()
                        end(by: caught ?? SIGTERM)
                    }
                    continue
                }
                let (signal, now) = (arrival.signal, ContinuousClock.now)
                if let newest, now - newest.time < arrival.pause(after: newest.arrival) { continue }
                newest = (arrival, now)
                let isFirst = first.load(ordering: .relaxed) == 0
                if isFirst { first.store(signal, ordering: .releasing) }
                if signal == SIGHUP, !isFirst { continue }
                if signal != SIGHUP { count += 1 }
                // Who asks again while nothing comes of the first wish means now.
                if count > 1, wishes.isHeeding { end(by: signal) }
                wishes.post(signal, max(count, 1))
            }
        }
    }

    private static func end(by signal: Int32) {
        TerminalMode.restore()
        // Nothing that the process waits for outlives it.
        SignalGuard.pass(signal)
        ProgramGroups.endAll()
        _exit(status(of: signal).rawValue)
    }

    private static func set(of signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        return set
    }

    /// Whether the process was started with a signal ignored.
    private static func isIgnored(_ number: Int32) -> Bool {
        let handler = signal(number, SIG_IGN)
        _ = signal(number, handler)
        return unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }

    /// The exit status of a process that a signal ended.
    static func status(of signal: Int32) -> ExitStatus {
        switch signal {
        case SIGTERM: .terminated
        case SIGHUP: .hungUp
        default: .cancelled
        }
    }
}

/// The start of a command, in which it may wait for others (a database, a program that prints secrets, a script's top level) and
/// has nothing yet that could be lost: a signal is to end the process at once. Any thread.
final class StartPhase: Sendable {
    private let state = Atomic(false)

    var isOver: Bool { state.load(ordering: .acquiring) }

    func end() { state.store(true, ordering: .releasing) }

    /// It begins again, as where a script is read anew.
    func begin() { state.store(false, ordering: .releasing) }
}

/// What has been changed in the terminal, so that it can be put back however the program ends.
enum TerminalMode {
    private static let saved = Mutex<termios?>(nil)

    /// Gives keys to the program one by one, without showing them. Ctrl-C stays a signal unless that is not wanted.
    static func readKeys(from descriptor: Int32, signals: Bool = true) {
        var mode = termios()
        guard tcgetattr(descriptor, &mode) == 0 else { return }
        saved.withLock { if $0 == nil { $0 = mode } }
        TerminalRescue.arm(mode)
        mode.c_lflag &= ~tcflag_t(ICANON | ECHO)
        if !signals { mode.c_lflag &= ~tcflag_t(ISIG) }
        tcsetattr(descriptor, TCSANOW, &mode)
    }

    static func restore() {
        saved.withLock { mode in
            guard var original = mode else { return }
            tcsetattr(0, TCSANOW, &original)
            mode = nil
            TerminalRescue.disarm()
        }
    }
}

/// A signal that came.
private struct Arrival {
    let signal: Int32
    /// The terminal sent it, and not a process; nil where the system does not say.
    let isFromTerminal: Bool?

    /// How long after the terminal a process sends on what it got itself, such as `timeout` around this one.
    private static let echoTime = Duration.milliseconds(500)
    /// Within which the same signal is one wish; see ``Interrupts/burstTime``.
    private static let burstTime = Interrupts.burstTime

    /// Waits for one of the signals, which are blocked; nil where none came within the limit, or the wait was interrupted.
    ///
    /// - Parameter limit: not heeded on macOS, where the system's own threads serve all tasks.
    init?(waitingFor signals: sigset_t, at limit: Duration?) {
        var signals = signals
        #if canImport(Glibc)
            var information = siginfo_t()
            let number: Int32
            if let limit {
                let (seconds, attoseconds) = max(limit, .zero).components
                var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
                number = sigtimedwait(&signals, &information, &time)
            } else {
                number = sigwaitinfo(&signals, &information)
            }
            guard number > 0 else { return nil }
            signal = number
            isFromTerminal = information.si_code > 0
        #else
            var number: Int32 = 0
            guard sigwait(&signals, &number) == 0 else { return nil }
            signal = number
            isFromTerminal = nil
        #endif
    }

    /// How long after another signal this one still is the same wish.
    func pause(after other: Arrival) -> Duration {
        guard signal == other.signal else { return .zero }
        // One press of Ctrl-C comes once from the terminal and once from a process that passed it on.
        guard let isFromTerminal, let others = other.isFromTerminal, isFromTerminal != others else {
            return Self.burstTime
        }
        return Self.echoTime
    }
}
