internal import WorkflowCore

/// How far one subscriber has come with one run: a copy of the run's log, and what renders it.
///
/// It belongs to one subscription.
final class RunCursor {
    let run: String
    let plan: Plan
    private var log = RunLog()
    private var renderer: EventRenderer
    /// Events up to this sequence are passed over.
    private let after: Int

    init(run: String, plan: Plan, after: Int) {
        self.run = run
        self.plan = plan
        self.after = after
        renderer = EventRenderer(plan: plan, runID: run)
    }

    deinit { log.deallocate() }

    /// How many entries of the run it has.
    var count: Int { log.count }
    var arenaCount: Int { log.arena.count }
    /// Whether the newest entry ends the run.
    var isOver: Bool { log.count > 0 && log[log.count - 1].kind.isTerminal }

    /// Appends a piece and gives the events in it that nobody has had.
    ///
    /// - Returns: nil when entries before the piece are missing, or its bytes do not follow on those that are here.
    func take(_ chunk: RunChunk) -> [RunEvent]? {
        guard chunk.first + chunk.count > log.count else { return [] }
        guard chunk.first <= log.count, chunk.arenaStart <= log.arena.count,
            chunk.arenaStart + chunk.arena.count >= log.arena.count
        else { return nil }
        let (knownEvents, knownBytes) = (log.count - chunk.first, log.arena.count - chunk.arenaStart)
        let old = log.count
        chunk.events.withUnsafeBytes { events in
            chunk.arena.withUnsafeBytes { arena in
                log.append(
                    events: UnsafeRawBufferPointer(
                        rebasing: events[(knownEvents * MemoryLayout<Event>.stride)...]),
                    arena: UnsafeRawBufferPointer(rebasing: arena[knownBytes...]))
            }
        }
        return (old..<log.count).compactMap { index in
            guard let event = renderer.render(log[index], log: log), event.sequence > after else { return nil }
            return event
        }
    }
}
