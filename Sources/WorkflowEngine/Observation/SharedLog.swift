internal import FlatValue
internal import WorkflowCore

/// A part of a run's log as it was read: events in order, and the bytes of the arena that came with them.
final class LogSegment: @unchecked Sendable {
    /// How many events of the run come before.
    let first: Int
    /// Where in the run's arena the bytes begin.
    let arenaStart: Int
    /// The events as they were recorded: payloads lie in the arena of the run.
    fileprivate let log: RunLog

    /// - Parameter log: is the segment's from here on.
    fileprivate init(first: Int, arenaStart: Int, log: RunLog) {
        self.first = first
        self.arenaStart = arenaStart
        self.log = log
    }

    deinit {
        var log = log
        log.deallocate()
    }

    var end: Int { first + log.count }
    var arenaEnd: Int { arenaStart + log.arena.count }
    var size: Int { log.size }
}

/// A run's log as a store had it, or its end: one copy for all who read it, which never changes.
struct SharedLog: Sendable, LogSource {
    let run: String
    let plan: Plan
    /// When the run began, which tells it from another one of its id; see ``RunHeader/createdAt``.
    let created: Int64
    /// At least one, each of which follows on the one before.
    private var segments: [LogSegment]
    /// What the events tell of secrets.
    private var secrets = RunSecrets()

    /// A run as a store gave it.
    ///
    /// - Throws: ``JournalError`` where it is no journal that this version can read.
    init(_ stored: StoredRun, plan: Plan) throws(JournalError) {
        run = stored.header.id
        self.plan = plan
        created = stored.header.createdAt
        if stored.after == 0 {
            var decoder = try stored.decoded(on: plan)
            segments = [LogSegment(first: 0, arenaStart: 0, log: decoder.takeLog())]
        } else {
            segments = [try Self.tail(stored)]
        }
        learn(from: stored.after)
    }

    /// Some last events of a run; entries that were checked when they were written, or when the run was taken up.
    private static func tail(_ stored: StoredRun) throws(JournalError) -> LogSegment {
        let arenaEnd = stored.entries.last?.arena ?? stored.header.arena
        guard arenaEnd >= stored.arena.count else {
            throw JournalError(
                code: .storeCorrupt, message: "the journal of run \(stored.header.id) has values in no possible place"
            )
        }
        var log = RunLog()
        stored.events.withUnsafeBytes { events in
            stored.arena.withUnsafeBytes { log.append(events: events, arena: $0) }
        }
        return LogSegment(first: stored.after, arenaStart: arenaEnd - stored.arena.count, log: log)
    }

    /// How many events of the run come before.
    var first: Int { segments.first?.first ?? 0 }
    /// How many events of the run there are up to its end.
    var end: Int { segments.last?.end ?? 0 }
    private var arenaEnd: Int { segments.last?.arenaEnd ?? 0 }
    /// In bytes.
    var size: Int { segments.reduce(0) { $0 + $1.size } }
    /// Whether it has all events up to its end.
    var isWhole: Bool { first == 0 }
    /// What keeps out what schemas call secret, of all events that it has.
    var redaction: Redaction { secrets.redaction }

    /// Adds what follows on it.
    ///
    /// - Returns: false where `tail` does not begin where it ends.
    mutating func append(_ tail: SharedLog) -> Bool {
        guard tail.first == end, let next = tail.segments.first, next.arenaStart == arenaEnd,
            tail.created == created, tail.plan.fingerprint == plan.fingerprint
        else { return false }
        let old = end
        for segment in tail.segments { append(segment) }
        learn(from: old)
        return true
    }

    /// Segments are joined so that each is much larger than the one behind it, and there are few.
    private mutating func append(_ segment: LogSegment) {
        var joined = segment
        while let last = segments.last, last.size <= 2 * joined.size {
            var log = RunLog()
            for part in [last, joined] {
                log.append(events: part.log.eventBytes(from: 0), arena: part.log.arena.bytes)
            }
            joined = LogSegment(first: last.first, arenaStart: last.arenaStart, log: log)
            segments.removeLast()
        }
        segments.append(joined)
    }

    private mutating func learn(from first: Int) {
        var next = first
        while next < end,
            let piece = LogPiece.take(
                self, of: run, plan, from: next, before: end, .news, wants: { plan.mayTeach($1) })
        {
            for index in 0..<piece.count { secrets.read(piece.log[index], piece.log, of: plan) }
            next = piece.end
        }
    }

    // MARK: Reading

    func event(at index: Int) -> Event {
        let segment = segments[place { $0.first <= index }]
        return segment.log[index - segment.first]
    }

    func append(_ slice: Slice, to arena: inout ByteArena) -> Bool {
        var (offset, end) = (Int(slice.offset), Int(slice.offset) + Int(slice.length))
        guard offset >= segments.first?.arenaStart ?? 0, end <= arenaEnd else { return false }
        while offset < end {
            let segment = segments[place { $0.arenaStart <= offset }]
            let part = offset..<min(end, segment.arenaEnd)
            guard !part.isEmpty else { return false }
            arena.append(
                UnsafeRawBufferPointer(
                    rebasing: segment.log.arena.bytes[
                        (part.lowerBound - segment.arenaStart)..<(part.upperBound - segment.arenaStart)]))
            offset = part.upperBound
        }
        return true
    }

    /// The last segment for which a condition holds, which it does for those in front.
    private func place(_ isBefore: (LogSegment) -> Bool) -> Int {
        var (low, high) = (0, segments.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if isBefore(segments[middle]) { low = middle } else { high = middle - 1 }
        }
        return low
    }
}
