internal import FlatValue
internal import Platform
internal import Synchronization
internal import WorkflowEngine

/// Messages to the client at standard output, in order. Whoever sends does not wait for a client that reads slowly, or not at all.
final class MCPOutput: Sendable {
    /// Bytes that may wait for the client to read.
    private static let unreadLimit = 256 << 20

    private let lines = Inbox<String>()
    private let unread = Atomic<Int>(0)
    /// Opened when all is written of what was sent before ``finish()``.
    private let written = Gate()
    private let lost: @Sendable () -> Void

    /// - Parameter lost: called when the client does not read any more, perhaps more than once.
    init(lost: @escaping @Sendable () -> Void) { self.lost = lost }

    /// Begins to write, on a thread of its own. Called once.
    func begin() { WorkerThread.start { [self] in write() } }

    func send(_ message: Value) {
        let line = message.json + "\n"
        let waiting = unread.add(line.utf8.count, ordering: .relaxed).newValue
        if waiting > Self.unreadLimit || !lines.post(line) { lost() }
    }

    /// Takes no more messages, and returns when those before are written, or the time is over.
    func finish(within limit: Duration) async {
        _ = lines.post("", closing: true)
        _ = await written.passed(within: limit)
    }

    private func write() {
        var taken: [String] = []
        while true {
            lines.take(into: &taken, waiting: nil)
            for var line in taken {
                if line.isEmpty { return written.open() }
                line.withUTF8 { TextStream.output.writeJSON(UnsafeRawBufferPointer($0)) }
                unread.subtract(line.utf8.count, ordering: .relaxed)
                if !TextStream.output.isOpen { lost() }
            }
            taken.removeAll(keepingCapacity: true)
        }
    }
}
