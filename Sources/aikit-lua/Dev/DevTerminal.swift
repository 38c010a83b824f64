#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The keyboard and the lowest line of the screen in a dev session; without a terminal it does nothing.
final class DevTerminal {
    /// Whether keys can be read and forms be asked.
    let isInteractive: Bool
    private var decoder = KeyDecoder()
    private var hasHint = false
    private var isAtEnd = false
    private let style = Style(.errors)

    init() { isInteractive = isatty(0) == 1 && TextStream.errors.isTerminal && environment("TERM") != "dumb" }

    func begin() { if isInteractive { TerminalMode.readKeys(from: 0) } }

    func end() {
        hideHint()
        TerminalMode.restore()
    }

    /// Shows which keys there are, below all else, until something else is to be shown.
    func showHint(_ text: String) {
        guard isInteractive, !hasHint else { return }
        let room = max(TextStream.errors.width - 1, 10)
        TextStream.errors.write(style(text.count > room ? text.prefix(room - 1) + "…" : text, .dim))
        hasHint = true
    }

    func hideHint() {
        guard hasHint else { return }
        TextStream.errors.write("\r\u{1B}[K")
        hasHint = false
    }

    /// Waits until there is a message, a key, or a time of the monotonic clock; the keys.
    func wait(for messages: Int32, until deadline: UInt64?) -> [Key] {
        var polls = [pollfd(fd: messages, events: Int16(POLLIN), revents: 0)]
        let reads = isInteractive && !isAtEnd
        if reads { polls.append(pollfd(fd: 0, events: Int16(POLLIN), revents: 0)) }
        // An escape by itself is known by nothing following it.
        let timeout = decoder.isPending ? 50 : pollTimeout(until: deadline)
        guard poll(&polls, nfds_t(polls.count), timeout) >= 0 else { return [] }
        guard reads else { return [] }
        guard polls[1].revents != 0 else { return decoder.isPending && polls[0].revents == 0 ? decoder.flush() : [] }
        var chunk = [UInt8](repeating: 0, count: 1024)
        let count = read(0, &chunk, chunk.count)
        if count == 0 { isAtEnd = true }
        return count > 0 ? decoder.take(chunk[..<count]) : []
    }

    /// Lets a line be edited; nil when it is given up. `hear` handles the messages that come meanwhile.
    func edit(_ text: String, prompt: String, messages: Int32, hear: () -> Bool) -> String? {
        hideHint()
        var editor = LineEditor(text)
        draw(editor, prompt)
        while true {
            let keys = wait(for: messages, until: nil)
            TextStream.errors.write("\r\u{1B}[K")
            guard hear() else { return nil }
            for key in keys {
                switch editor.take(key) {
                case .submitted(let line):
                    TextStream.errors.write(prompt + line + "\n")
                    return line
                case .abandoned, .ended: return nil
                case .edited, .completes, .clearsScreen: break
                }
            }
            draw(editor, prompt)
        }
    }

    private func draw(_ editor: LineEditor, _ prompt: String) {
        let view = LineView(editor, prompt: prompt, columns: TextStream.errors.width)
        let move = view.cursor > 0 ? "\u{1B}[\(view.cursor)C" : ""
        TextStream.errors.write("\r" + style(prompt, .bold) + view.text + "\u{1B}[K\r" + move)
    }
}
