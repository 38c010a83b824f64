internal import FlatValue
internal import WorkflowCore

/// How far one subscriber has come with one run: a copy of the run's log, and what renders it.
///
/// It belongs to one subscription.
final class RunCursor {
    var run: String { copy.run }
    var plan: Plan { copy.plan }
    private let copy: LogCopy
    private var renderer: EventRenderer
    private var secrets = RunSecrets()
    /// Events up to this sequence are passed over.
    private let after: Int

    init(run: String, plan: Plan, after: Int) {
        copy = LogCopy(run: run, plan: plan)
        self.after = after
        renderer = EventRenderer(plan: plan, runID: run)
    }

    /// A cursor at the same place of a run that was moved to another plan, whose entries have the nodes of that plan.
    func moved(to plan: Plan) -> RunCursor { RunCursor(run: run, plan: plan, after: max(after, count)) }

    /// How many entries of the run it has.
    var count: Int { copy.log.count }
    var arenaCount: Int { copy.log.arena.count }
    var isOver: Bool { copy.isOver }

    /// Appends a piece and gives the events in it that nobody has had.
    ///
    /// - Returns: nil when entries before the piece are missing, or its bytes do not follow on those that are here.
    func take(_ chunk: RunChunk) -> [RunEvent]? {
        guard let new = copy.take(chunk) else { return nil }
        secrets.read(copy.log, of: plan)
        let redaction = plan.hasSecrets ? secrets.redaction : nil
        return new.compactMap { index in
            guard var event = renderer.render(copy.log[index], log: copy.log), event.sequence > after else {
                return nil
            }
            event.redaction = redaction
            return event
        }
    }
}
