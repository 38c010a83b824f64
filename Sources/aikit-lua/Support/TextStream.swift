internal import Platform
internal import Synchronization
internal import WorkflowCore

/// Standard output or standard error, written without a buffer of its own.
///
/// Text is shown, never sent: ``ShownText`` says how control characters look. What moves the cursor is a ``ScreenControl``, and
/// bytes that are JSON for programs go through ``writeJSON(_:)``.
///
/// A reader that has gone away is no error: what is written after that is lost in silence, and whatever the program does goes
/// on. Any other failure is kept, so that the program can say at its end that its output is not complete.
final class TextStream: Sendable {
    static let output = TextStream(descriptor: 1)
    static let errors = TextStream(descriptor: 2)

    let descriptor: Int32
    let isTerminal: Bool
    /// Colours are for terminals, and only where NO_COLOR does not forbid them.
    let hasColours: Bool
    private let state = Mutex(State.open)

    /// Where the stream stands; it never opens again.
    private enum State: Equatable {
        case open
        /// The reader has gone.
        case closed
        /// The system refused a write with this error number.
        case failed(Int32)
    }

    private init(descriptor: Int32) {
        self.descriptor = descriptor
        isTerminal = isatty(descriptor) == 1
        let plain = !(environment("NO_COLOR") ?? "").isEmpty || environment("TERM") == "dumb"
        hasColours = isTerminal && !plain
    }

    /// Why output was lost, or nil; a reader that left does not count.
    var failure: String? {
        state.withLock {
            if case .failed(let number) = $0 { return systemMessage(number) }
            return nil
        }
    }

    var isOpen: Bool { state.withLock { $0 == .open } }

    /// Writes text for people; JSON in it keeps its meaning.
    func write(_ text: String) {
        var text = text
        text.withUTF8 { writeShown(UnsafeRawBufferPointer($0)) }
    }

    func writeLine(_ text: String) { write(text + "\n") }

    /// Writes lines of JSON: to a program as they are, to a terminal with what it would obey escaped.
    func writeJSON(_ bytes: UnsafeRawBufferPointer) {
        if isTerminal { writeShown(bytes) } else { writeRaw(bytes) }
    }

    private func writeShown(_ bytes: UnsafeRawBufferPointer) {
        guard let shown = ShownText.escaped(bytes) else { return writeRaw(bytes) }
        shown.withUnsafeBytes { writeRaw($0) }
    }

    /// Writes all of the bytes as they are, waiting for a slow reader.
    func writeRaw(_ bytes: UnsafeRawBufferPointer) {
        guard isOpen else { return }
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest)
            let count = systemWrite(descriptor, part)
            if count >= 0 {
                rest = rest.dropFirst(count)
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN: waitUntilWritable()
            case EPIPE: return state.withLock { $0 = .closed }
            case let number: return state.withLock { $0 = .failed(number) }
            }
        }
    }

    /// The other end may have been set not to block by whoever shares it.
    private func waitUntilWritable() {
        var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = systemPoll(&poll, 1, -1)
    }

    /// How many columns the terminal has, or 80.
    var width: Int { Int(windowSize.columns) }

    /// How many lines the terminal has, or 24.
    var height: Int { Int(windowSize.rows) }

    private var windowSize: (columns: UInt16, rows: UInt16) {
        var size = winsize()
        let known = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 && size.ws_row > 0
        return known ? (size.ws_col, size.ws_row) : (80, 24)
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}

private func systemPoll(_ polls: UnsafeMutablePointer<pollfd>, _ count: Int, _ timeout: Int32) -> Int32 {
    poll(polls, nfds_t(count), timeout)
}
