internal import Platform

/// The keyboard and the lowest line of the screen, where somebody sits; without a terminal, lines of standard input.
///
/// Only the main thread uses it, and messages are heard while it waits for keys.
final class Console {
    /// What became of a line that was to be edited.
    enum Line: Equatable {
        case text(String)
        /// It was given up: Ctrl-C or escape.
        case abandoned
        /// There is no more input.
        case ended
    }

    /// What may stand in place of the last `length` characters before the cursor.
    struct Completion: Equatable {
        var names: [String]
        var length: Int
    }

    /// Whether keys can be read and forms be asked.
    let isInteractive: Bool
    /// Keys that came before anybody asked for them: a text that was pasted or typed ahead.
    private var queue: [Key] = []
    private var decoder = KeyDecoder()
    private var bytes: [UInt8] = []
    private var hasHint = false
    private var isAtEnd = false
    private let style = Style(.errors)

    init() { isInteractive = isatty(0) == 1 && TextStream.errors.isTerminal && environment("TERM") != "dumb" }

    /// Takes keys one by one from now on.
    ///
    /// - Parameter signals: whether Ctrl-C stays a request to end, and is no key.
    func begin(signals: Bool = true) { if isInteractive { TerminalMode.readKeys(from: 0, signals: signals) } }

    func end() {
        hideHint()
        TerminalMode.restore()
    }

    // MARK: The lowest line

    /// Shows which keys there are, below all else, until something else is to be shown.
    func showHint(_ text: String) {
        guard isInteractive, !hasHint else { return }
        let room = max(TextStream.errors.width - 1, 10)
        TextStream.errors.write(style(ScreenText.clipped(text, to: room), .dim))
        hasHint = true
    }

    func hideHint() {
        guard hasHint else { return }
        TextStream.errors.write(.clearsRow)
        hasHint = false
    }

    // MARK: Waiting

    /// Waits until there is a message, a key, or a time of the monotonic clock; the keys.
    func wait(for messages: Int32, until deadline: UInt64?) -> [Key] {
        if !queue.isEmpty {
            defer { queue = [] }
            return queue
        }
        // An escape by itself is known by nothing following it.
        let (count, hasMessage) = fill(messages, timeout: decoder.isPending ? 50 : pollTimeout(until: deadline))
        guard isInteractive else { return [] }
        if count == 0 { return decoder.isPending && !hasMessage ? decoder.flush() : [] }
        defer { bytes = [] }
        return decoder.take(bytes)
    }

    /// Gives keys back that are for whoever waits next.
    func putBack(_ keys: [Key]) { queue = keys + queue }

    /// Reads what has been typed; how many bytes that is, and whether there are messages.
    private func fill(_ messages: Int32, timeout: Int32) -> (count: Int, hasMessage: Bool) {
        var polls = [pollfd(fd: messages, events: Int16(POLLIN), revents: 0)]
        if !isAtEnd { polls.append(pollfd(fd: 0, events: Int16(POLLIN), revents: 0)) }
        guard poll(&polls, nfds_t(polls.count), pollTimeout(timeout, hearing: messages)) >= 0 else { return (0, false) }
        let hasMessage = polls[0].revents != 0
        guard polls.count > 1, polls[1].revents != 0 else { return (0, hasMessage) }
        var chunk = [UInt8](repeating: 0, count: 4096)
        let count = read(0, &chunk, chunk.count)
        // What cannot be read now cannot be read later either, a folder for one.
        if count == 0 || count < 0 && errno != EAGAIN && errno != EINTR { isAtEnd = true }
        bytes += chunk[..<max(count, 0)]
        return (max(count, 0), hasMessage)
    }

    // MARK: Lines

    /// Lets a line be edited, or takes the next one of standard input.
    ///
    /// - Parameters:
    ///   - messages: readable when there are messages.
    ///   - complete: what can follow a text.
    ///   - hear: handles messages that came; false gives the line up.
    func readLine(
        _ text: String = "", prompt: String, history: [String] = [], messages: Int32,
        complete: (String) -> Completion? = { _ in nil }, hear: () -> Bool
    ) -> Line {
        guard isInteractive else { return plainLine(messages, hear) }
        hideHint()
        var editor = LineEditor(text, history: history)
        draw(editor, prompt)
        while true {
            var keys = wait(for: messages, until: nil)[...]
            TextStream.errors.write(.clearsRow)
            guard hear() else { return .abandoned }
            while let key = keys.popFirst() {
                switch editor.take(key) {
                case .submitted(let line):
                    TextStream.errors.write(style(prompt, .bold) + line + "\n")
                    putBack(Array(keys))
                    return .text(line)
                case .abandoned: return .abandoned
                case .ended: return .ended
                case .completes: self.complete(&editor, complete(editor.textBeforeCursor))
                case .clearsScreen: TextStream.errors.write(.clearsScreen)
                case .edited: break
                }
            }
            draw(editor, prompt)
        }
    }

    private func plainLine(_ messages: Int32, _ hear: () -> Bool) -> Line {
        while true {
            if let end = bytes.firstIndex(of: 10) {
                defer { bytes.removeSubrange(...end) }
                return .text(String(decoding: bytes[..<end], as: UTF8.self))
            }
            if isAtEnd {
                defer { bytes = [] }
                return bytes.isEmpty ? .ended : .text(String(decoding: bytes, as: UTF8.self))
            }
            _ = fill(messages, timeout: -1)
            guard hear() else { return .abandoned }
        }
    }

    private func complete(_ editor: inout LineEditor, _ completion: Completion?) {
        if editor.textBeforeCursor.allSatisfy(\.isWhitespace) { return editor.insert("  ") }
        guard let completion, let first = completion.names.first else { return }
        let common = completion.names.dropFirst().reduce(first) { $0.commonPrefix(with: $1) }
        if common.unicodeScalars.count > completion.length || completion.names.count == 1 {
            editor.insert(common, replacing: completion.length)
        } else {
            TextStream.errors.writeLine(style(completion.names.joined(separator: "  "), .dim))
        }
    }

    private func draw(_ editor: LineEditor, _ prompt: String) {
        let view = LineView(editor, prompt: prompt, columns: TextStream.errors.width)
        var update = ScreenUpdate()
        update.add(.leftEdge)
        update.add(style(prompt, .bold) + view.text)
        update.add(.clearsRestOfRow)
        update.add(.leftEdge)
        update.add(.right(view.cursor))
        TextStream.errors.write(update)
    }
}

extension String {
    fileprivate func commonPrefix(with other: String) -> String {
        String(zip(self, other).prefix { $0 == $1 }.map { $0.0 })
    }
}
