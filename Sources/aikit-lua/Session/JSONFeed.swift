internal import WorkflowCore
internal import WorkflowEngine

/// Renders a run's events as JSON, one a line, on the worker's thread.
final class JSONFeed: EventFeed {
    private let mailbox: Mailbox
    /// Only the worker's thread touches these.
    nonisolated(unsafe) private var renderer: EventRenderer
    nonisolated(unsafe) private var taken = 0

    /// - Parameter first: the events before it have been told already.
    init(plan: Plan, runID: String, mailbox: Mailbox) {
        self.mailbox = mailbox
        renderer = EventRenderer(plan: plan, runID: runID)
    }

    func take(_ run: Run) {
        var lines = ByteArena()
        defer { lines.deallocate() }
        while taken < run.log.count {
            if let event = renderer.render(run.log[taken], log: run.log) {
                event.value.withCursor { $0.writeJSON(into: &lines) }
                lines.append(UInt8(ascii: "\n"))
            }
            taken += 1
        }
        if lines.count > 0 { mailbox.post(.lines(Array(lines.bytes))) }
    }

    func finish() {}
}
