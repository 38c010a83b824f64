internal import Platform
internal import Synchronization
internal import WorkflowEngine

/// Lines of a log on their way to standard error, written by a thread of their own. Any thread.
///
/// Lines that find too much unread are dropped and counted; how many is said as soon as the reader goes on.
final class LogOutput: Sendable {
    /// How many bytes may wait for the reader; a line that comes while fewer wait is taken whole.
    private static let limit = 1 << 20
    /// How long the last lines may take.
    private static let patience = Duration.seconds(1)

    private enum Entry {
        case line(String)
        case end
    }

    private let entries = Inbox<Entry>()
    private let unread = Atomic<Int>(0)
    private let dropped = Atomic<Int>(0)
    private let hasBegun = Atomic<Bool>(false)
    /// Opened when all is written of what came before ``finish()``.
    private let written = Gate()
    private let notice: @Sendable (Int) -> String

    /// - Parameter notice: the line that says how many have been dropped.
    init(notice: @escaping @Sendable (Int) -> String) { self.notice = notice }

    /// Takes a line without its end; returns at once.
    func write(_ line: String) {
        begin()
        let size = line.utf8.count
        guard unread.add(size, ordering: .relaxed).oldValue < Self.limit else {
            unread.subtract(size, ordering: .relaxed)
            dropped.add(1, ordering: .relaxed)
            return
        }
        entries.post(.line(line))
    }

    /// Takes no more lines, and returns when those before are written, or after a second.
    func finish() async {
        guard hasBegun.load(ordering: .acquiring) else { return }
        entries.post(.end, closing: true)
        _ = await written.passed(within: Self.patience)
    }

    /// Waits on this thread until all is written that was taken, or for a second.
    func drain() {
        let end = ContinuousClock.now + Self.patience
        while unread.load(ordering: .relaxed) > 0, ContinuousClock.now < end { usleep(1000) }
    }

    /// Starts the thread with the first line: signals are to be set up before there is any.
    private func begin() {
        if hasBegun.load(ordering: .relaxed) || hasBegun.exchange(true, ordering: .acquiringAndReleasing) { return }
        WorkerThread.start { [self] in writeAll() }
    }

    private func writeAll() {
        var taken: [Entry] = []
        while true {
            entries.take(into: &taken, waiting: nil)
            for entry in taken {
                guard case .line(let line) = entry else {
                    tellDropped()
                    return written.open()
                }
                TextStream.errors.writeLine(line)
                unread.subtract(line.utf8.count, ordering: .relaxed)
            }
            taken.removeAll(keepingCapacity: true)
            tellDropped()
        }
    }

    private func tellDropped() {
        let count = dropped.exchange(0, ordering: .relaxed)
        if count > 0 { TextStream.errors.writeLine(notice(count)) }
    }
}
