internal import Platform
internal import Synchronization

/// Puts the terminal back where no ordinary code can: when the program crashes or is stopped by Ctrl-Z.
///
/// What happens on a signal uses nothing but memory that exists already and calls that are safe in a signal handler.
enum TerminalRescue {
    nonisolated(unsafe) private static let original = UnsafeMutablePointer<termios>.allocate(capacity: 1)
    nonisolated(unsafe) private static let own = UnsafeMutablePointer<termios>.allocate(capacity: 1)
    private static let writeEnd = Atomic<Int32>(-1)
    private static let isArmed = Atomic<Bool>(false)
    private static let isInstalled = Atomic<Bool>(false)

    /// A pipe that tells of changes of the terminal: its ends.
    nonisolated(unsafe) private static var ends: [Int32] = [-1, -1]
    /// Readable when the terminal has got another size, or the program was stopped and goes on; -1 before the terminal is taken.
    static var changes: Int32 { ends[0] }

    private static var resized: UInt8 { 1 }
    private static var continued: UInt8 { 2 }

    private static let fatal = [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGQUIT]

    /// - Parameter mode: what the terminal is put back to.
    static func arm(_ mode: termios) {
        if !isArmed.load(ordering: .relaxed) { original.initialize(to: mode) }
        isArmed.store(true, ordering: .releasing)
        guard !isInstalled.exchange(true, ordering: .relaxed) else { return }
        if pipe(&ends) == 0 {
            for end in ends {
                _ = fcntl(end, F_SETFD, FD_CLOEXEC)
                _ = fcntl(end, F_SETFL, O_NONBLOCK)
            }
            writeEnd.store(ends[1], ordering: .releasing)
        }
        handle(SIGWINCH) { _ in TerminalRescue.tell(TerminalRescue.resized) }
        for signal in fatal { handle(signal) { TerminalRescue.die(of: $0) } }
        handle(SIGTSTP) { _ in TerminalRescue.pause() }
    }

    /// Forgets the changes that have been told; whether the program was stopped among them.
    static func takeChanges() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(ends[0], &bytes, bytes.count)
        return bytes.prefix(max(count, 0)).contains(continued)
    }

    /// What a signal handler may do: a write to a pipe that is full is lost, which leaves it readable.
    private static func tell(_ change: UInt8) {
        let number = errno
        var change = change
        _ = write(writeEnd.load(ordering: .acquiring), &change, 1)
        errno = number
    }

    static func disarm() { isArmed.store(false, ordering: .releasing) }

    private static func handle(_ signal: Int32, _ body: @escaping @convention(c) (Int32) -> Void) {
        var action = sigaction()
        #if canImport(Darwin)
            action.__sigaction_u.__sa_handler = body
        #else
            action.__sigaction_handler.sa_handler = body
        #endif
        action.sa_flags = Int32(bitPattern: UInt32(SA_ONSTACK))
        sigaction(signal, &action, nil)
    }

    private static func die(of number: Int32) {
        if isArmed.load(ordering: .acquiring) { tcsetattr(0, TCSANOW, original) }
        signal(number, SIG_DFL)
        raise(number)
    }

    /// Gives the terminal back, stops, and takes the terminal again when the program goes on.
    private static func pause() {
        let wasArmed = isArmed.load(ordering: .acquiring)
        if wasArmed {
            tcgetattr(0, own)
            tcsetattr(0, TCSANOW, original)
        }
        // SIGSTOP cannot be handled, so it needs no change of handlers.
        raise(SIGSTOP)
        if wasArmed { tcsetattr(0, TCSANOW, own) }
        tell(continued)
    }
}
