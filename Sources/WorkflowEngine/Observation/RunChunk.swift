internal import FlatValue
internal import WorkflowCore

/// A piece of a run's durable log: whole events, and the arena bytes that they need beyond those of earlier pieces.
struct RunChunk: Sendable {
    let run: String
    let plan: Plan
    /// How many events of the run come before the piece.
    let first: Int
    /// Where in the run's arena the bytes begin.
    let arenaStart: Int
    /// 32 bytes each.
    let events: [UInt8]
    let arena: [UInt8]

    /// Some events of a log, and the bytes of its arena from `arenaStart` to `arenaEnd`.
    init(
        run: String, plan: Plan, first: Int, arenaStart: Int, _ log: RunLog, events: Range<Int>, arenaEnd: Int
    ) {
        self.run = run
        self.plan = plan
        self.first = first
        self.arenaStart = min(arenaStart, log.arena.count)
        let size = events.count * MemoryLayout<Event>.stride
        self.events = Array(log.eventBytes(from: events.lowerBound).prefix(size))
        arena = Array(log.arena.bytes[self.arenaStart..<max(self.arenaStart, min(arenaEnd, log.arena.count))])
    }

    /// A run as a store gave it, the bytes of its arena beginning at `arenaStart`.
    init(_ stored: StoredRun, plan: Plan, arenaStart: Int) {
        run = stored.header.id
        self.plan = plan
        first = stored.after
        self.arenaStart = arenaStart
        events = stored.events
        arena = stored.arena
    }

    var count: Int { events.count / MemoryLayout<Event>.stride }
    var byteCount: Int { events.count + arena.count }
}
