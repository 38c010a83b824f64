internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

/// Renders a run's events as JSON, one a line, on the worker's thread.
final class JSONFeed: EventFeed {
    private let mailbox: Mailbox
    /// Only the worker's thread touches these.
    nonisolated(unsafe) private var renderer: EventRenderer
    nonisolated(unsafe) private var taken = 0

    private let past: Int

    /// Bytes of lines that are handed over at once, about.
    private static let batch = 1 << 18

    /// - Parameter past: how many events, from the first one on, are not told.
    init(plan: Plan, runID: String, past: Int, mailbox: Mailbox) {
        self.mailbox = mailbox
        self.past = past
        renderer = EventRenderer(plan: plan, runID: runID)
    }

    func take(_ run: Run) { take(run.log) }

    func take(_ log: RunLog) {
        var lines = ByteArena()
        defer { lines.deallocate() }
        while taken < log.count {
            if taken < past {
                renderer.skip(log[taken], log: log)
            } else if let event = renderer.render(log[taken], log: log) {
                event.value.withCursor { $0.writeJSON(into: &lines) }
                lines.append(UInt8(ascii: "\n"))
            }
            taken += 1
            if lines.count > Self.batch { post(&lines) }
        }
        if lines.count > 0 { post(&lines) }
    }

    func take(_ event: TransientEvent) {
        var lines = ByteArena()
        defer { lines.deallocate() }
        event.value.withCursor { $0.writeJSON(into: &lines) }
        lines.append(UInt8(ascii: "\n"))
        post(&lines)
    }

    /// The worker waits here for a reader that is slower than the run, so that the lines do not fill the memory.
    private func post(_ lines: inout ByteArena) {
        mailbox.postFlow(.lines(Array(lines.bytes)), bytes: lines.count)
        lines.count = 0
    }

    func finish() {}
}
