internal import FlatValue
internal import WorkflowCore

/// A copy of a run's log that grows by pieces, which may overlap and come twice.
final class LogCopy {
    let run: String
    let plan: Plan
    private(set) var log = RunLog()

    init(run: String, plan: Plan) {
        self.run = run
        self.plan = plan
    }

    deinit { log.deallocate() }

    /// Whether the newest entry ends the run.
    var isOver: Bool { log.count > 0 && log[log.count - 1].kind.isTerminal }

    /// Appends what a piece has more than the copy.
    ///
    /// - Returns: the places of the new entries; nil when entries before the piece are missing, or its bytes do not follow
    ///   on those that are here.
    func take(_ chunk: RunChunk) -> Range<Int>? {
        let old = log.count
        guard chunk.first + chunk.count > old else { return old..<old }
        guard chunk.first <= old, chunk.arenaStart <= log.arena.count,
            chunk.arenaStart + chunk.arena.count >= log.arena.count
        else { return nil }
        let (knownEvents, knownBytes) = (old - chunk.first, log.arena.count - chunk.arenaStart)
        chunk.events.withUnsafeBytes { events in
            chunk.arena.withUnsafeBytes { arena in
                log.append(
                    events: UnsafeRawBufferPointer(
                        rebasing: events[(knownEvents * MemoryLayout<Event>.stride)...]),
                    arena: UnsafeRawBufferPointer(rebasing: arena[knownBytes...]))
            }
        }
        return old..<log.count
    }
}
