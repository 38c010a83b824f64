internal import FlatValue
internal import WorkflowCore

/// How far one subscriber has come with one run, and what it takes to render what follows; none of the run's log.
///
/// It belongs to one subscription.
final class RunCursor {
    let run: String
    let plan: Plan
    /// How many entries of the run it has had.
    private(set) var count = 0
    /// Whether the last of them ends the run.
    private(set) var isOver = false
    private var renderer: EventRenderer
    private var secrets = RunSecrets()
    /// Events up to this sequence are passed over.
    private let after: Int

    init(run: String, plan: Plan, after: Int) {
        self.run = run
        self.plan = plan
        self.after = after
        renderer = EventRenderer(plan: plan, runID: run)
    }

    /// A cursor at the same place of a run that was moved to another plan, whose entries have the nodes of that plan.
    func moved(to plan: Plan) -> RunCursor { RunCursor(run: run, plan: plan, after: max(after, count)) }

    /// The next page of a log that has the next event; nil where the log lacks a value that lies before its first event.
    func page(of log: SharedLog) -> LogPiece? {
        // Of what is passed over only that is needed which later events are told with.
        if count < after, !plan.hasSecrets {
            return LogPiece.take(log, of: run, plan, from: count, before: min(log.end, after), .news) { _, event in
                event.kind == .metadataSet || event.kind == .answerSigned || plan.mayTeach(event)
            }
        }
        return LogPiece.take(log, of: run, plan, from: count, before: log.end, .page)
    }

    /// Takes what a piece has more than the cursor and gives the events in it that nobody has had.
    ///
    /// - Parameter redaction: what keeps secrets out of the events; nil for what the run has told until the end of the piece.
    /// - Returns: nil when entries before the piece are missing.
    func take(_ piece: LogPiece, redaction known: Redaction? = nil) -> [RunEvent]? {
        guard piece.first <= count else { return nil }
        guard piece.end > count else { return [] }
        let new = (count - piece.first)..<piece.count
        for index in new { secrets.read(piece.log[index], piece.log, of: plan) }
        let told = known ?? secrets.redaction
        let redaction = told.isEmpty ? nil : told
        var events: [RunEvent] = []
        for index in new {
            let entry = piece.log[index]
            count += 1
            if count <= after {
                renderer.skip(entry, log: piece.log)
            } else if var event = renderer.render(entry, log: piece.log) {
                event.redaction = redaction
                events.append(event)
            }
        }
        isOver = piece.log[piece.count - 1].kind.isTerminal
        return events
    }
}
