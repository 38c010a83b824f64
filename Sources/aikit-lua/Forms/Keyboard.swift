internal import WorkflowEngine

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

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
    private var pending: [UInt8] = []

    init<Message>(mailbox: MessageBox<Message>, hear: @escaping () throws -> Void) {
        messages = mailbox.readEnd
        self.hear = hear
    }

    /// A line, without its end.
    func readLine() throws -> String {
        while true {
            if let end = pending.firstIndex(of: 10) {
                defer { pending.removeSubrange(...end) }
                return String(decoding: pending[..<end], as: UTF8.self)
            }
            try fill()
        }
    }

    enum Key: Equatable {
        case up, down, enter, space
        case character(Character)
    }

    /// A key; the terminal must give keys one by one.
    func readKey() throws -> Key? {
        if pending.isEmpty { try fill() }
        if pending.starts(with: [0x1B]) {
            // An arrow comes as three bytes, which a slow line may bring one by one.
            while pending.count < 3 { try fill() }
            defer { pending.removeFirst(3) }
            switch pending[2] {
            case UInt8(ascii: "A"): return .up
            case UInt8(ascii: "B"): return .down
            default: return nil
            }
        }
        let byte = pending.removeFirst()
        switch byte {
        case 4: throw NoAnswer.left
        case 10, 13: return .enter
        case 32: return .space
        case 33...126: return .character(Character(UnicodeScalar(byte)))
        default: return nil
        }
    }

    private func fill() throws {
        while true {
            var polls = [
                pollfd(fd: 0, events: Int16(POLLIN), revents: 0),
                pollfd(fd: messages, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&polls, 2, -1) > 0 else { continue }
            if polls[1].revents != 0 { try hear() }
            guard polls[0].revents != 0 else { continue }
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = read(0, &chunk, chunk.count)
            if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
            guard count > 0 else { throw NoAnswer.left }
            pending += chunk[..<count]
            return
        }
    }
}
