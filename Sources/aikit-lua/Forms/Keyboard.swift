internal import Platform
internal import WorkflowEngine

/// Why a question got no answer.
enum NoAnswer: Error, Equatable {
    /// The person closed the input: Ctrl-D.
    case left
    /// The run does not wait for this answer any more.
    case overtaken
}

/// Reads what a person types while messages of the run are still heard.
final class Keyboard {
    /// Readable when there are messages.
    private let messages: Int32
    /// Handles the messages that came; throws when the question is pointless now.
    private let hear: () throws -> Void
    /// Shows what stands above the question, when the program was stopped and goes on.
    var showAgain: () -> Void = {}
    /// How often the program was stopped and went on.
    private(set) var stops = 0
    private var decoder = KeyDecoder()
    private var keys: [Key] = []
    /// Lines of a terminal on which nothing can be drawn.
    private var pending: [UInt8] = []
    private let style = Style(.errors)

    /// Whether a line can be drawn again while it is edited.
    let canDraw = environment("TERM") != "dumb"

    init<Message>(mailbox: MessageBox<Message>, hear: @escaping () throws -> Void) {
        messages = mailbox.readEnd
        self.hear = hear
    }

    /// Takes keys one by one until ``end()``; Ctrl-C stays a request to end.
    func begin() { if canDraw { TerminalMode.readKeys(from: 0) } }

    func end() { TerminalMode.restore() }

    /// A line, without its end.
    ///
    /// - Parameters:
    ///   - prompt: what stands before the line, in bold.
    ///   - text: what the line holds at first: the first character that is typed replaces it, arrows and backspace edit it.
    func readLine(prompt: String = "", _ text: String = "") throws -> String {
        guard canDraw else {
            TextStream.errors.write(prompt)
            return try plainLine()
        }
        // A prompt that leaves no room stands above the line.
        var prompt = prompt
        if ScreenText.width(of: prompt) > TextStream.errors.width / 2 {
            TextStream.errors.write(style(prompt, .bold) + "\n")
            prompt = "> "
        }
        var editor = LineEditor(text)
        var isFresh = !text.isEmpty
        draw(editor, prompt, isFresh)
        while true {
            if let key = try nextKey() {
                if isFresh, case .character = key { _ = editor.take(.control("u")) }
                isFresh = false
                switch editor.take(key) {
                case .submitted(let line):
                    conclude(prompt, line)
                    return line
                case .abandoned: editor = LineEditor()
                case .ended: throw NoAnswer.left
                case .clearsScreen: TextStream.errors.write(.clearsScreen)
                case .edited, .completes: break
                }
            }
            draw(editor, prompt, isFresh)
        }
    }

    private func draw(_ editor: LineEditor, _ prompt: String, _ isFresh: Bool) {
        let view = LineView(editor, prompt: prompt, columns: TextStream.errors.width)
        var update = ScreenUpdate()
        update.add(.leftEdge)
        update.add(style(prompt, .bold) + (isFresh ? style(view.text, .dim) : view.text))
        update.add(.clearsBelow)
        update.add(.leftEdge)
        update.add(.right(view.cursor))
        TextStream.errors.write(update)
    }

    private func conclude(_ prompt: String, _ line: String) {
        var update = ScreenUpdate()
        update.add(.leftEdge)
        update.add(style(prompt, .bold) + line)
        update.add(.clearsBelow)
        update.add("\n")
        TextStream.errors.write(update)
    }

    private func plainLine() throws -> String {
        while true {
            if let end = pending.firstIndex(of: 10) {
                defer { pending.removeSubrange(...end) }
                return String(decoding: pending[..<end], as: UTF8.self)
            }
            if let bytes = try fill(timeout: -1) { pending += bytes }
        }
    }

    /// The next key; nil when what is on the screen has to be drawn again: the terminal has another size, or the program was
    /// stopped and goes on.
    func nextKey() throws -> Key? {
        if !pending.isEmpty {
            keys += decoder.take(pending)
            pending = []
        }
        while keys.isEmpty {
            // An escape by itself is known by nothing following it.
            guard let bytes = try fill(timeout: decoder.isPending ? 50 : -1) else { return nil }
            keys = bytes.isEmpty ? decoder.flush() : decoder.take(bytes)
        }
        return keys.removeFirst()
    }

    /// What has been typed, after waiting for it; empty when the time is over, nil when the screen is to be drawn again.
    private func fill(timeout: Int32) throws -> [UInt8]? {
        while true {
            var polls = [0, messages, TerminalRescue.changes].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            let count = poll(&polls, nfds_t(polls.count), pollTimeout(timeout, hearing: messages))
            if polls[1].revents != 0 || messages < 0 { try hear() }
            if count == 0 {
                if timeout < 0 { continue }
                return []
            }
            guard count > 0 else { continue }
            if polls[2].revents != 0 {
                if TerminalRescue.takeChanges() {
                    stops += 1
                    showAgain()
                }
                return nil
            }
            guard polls[0].revents != 0 else { continue }
            var chunk = [UInt8](repeating: 0, count: 4096)
            let length = read(0, &chunk, chunk.count)
            if length < 0 && (errno == EINTR || errno == EAGAIN) { continue }
            guard length > 0 else { throw NoAnswer.left }
            return Array(chunk[..<length])
        }
    }
}
