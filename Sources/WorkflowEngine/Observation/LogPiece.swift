internal import FlatValue
internal import WorkflowCore

/// Where the events of a run and the values that they refer to are found.
protocol LogSource {
    /// The event of a place, from 0, which the source has.
    func event(at index: Int) -> Event

    /// Appends the bytes of a value.
    ///
    /// - Returns: false where the source does not have all of them; nothing has been appended then.
    func append(_ slice: Slice, to arena: inout ByteArena) -> Bool
}

extension RunLog: LogSource {
    func event(at index: Int) -> Event { self[index] }

    func append(_ slice: Slice, to arena: inout ByteArena) -> Bool {
        guard Int(slice.offset) + Int(slice.length) <= self.arena.count else { return false }
        arena.append(self.arena[slice])
        return true
    }
}

/// Some events of a run in order, with copies of just the values that they refer to, wherever in the run's arena these lie.
///
/// It stands by itself and never changes: any number of subscribers read it, none of whom needs the log that it was taken from.
final class LogPiece: @unchecked Sendable {
    /// How much a piece holds: it ends with the event with which it reaches one of the two, and has at least one event.
    struct Bounds {
        var events: Int
        var bytes: Int

        /// What a subscriber reads at a time.
        static let page = Bounds(events: 64, bytes: 16 << 10)
        /// What is handed out as it is recorded; who lacks more reads the log.
        static let news = Bounds(events: 4096, bytes: 256 << 10)
    }

    let run: String
    let plan: Plan
    /// How many events of the run come before.
    let first: Int
    /// The events; their payloads lie in this log's own arena.
    let log: RunLog

    private init(run: String, plan: Plan, first: Int, log: RunLog) {
        self.run = run
        self.plan = plan
        self.first = first
        self.log = log
    }

    deinit {
        var log = log
        log.deallocate()
    }

    var count: Int { log.count }
    var byteCount: Int { log.size }
    /// How many events of the run there are up to the end of the piece.
    var end: Int { first + log.count }

    /// Takes events from `first` on, before `end`.
    ///
    /// - Parameter wants: whether the value of an event is needed; without it the event has none.
    /// - Returns: nil where the source lacks a value.
    static func take(
        _ source: some LogSource, of run: String, _ plan: Plan, from first: Int, before end: Int, _ bounds: Bounds,
        wants: (Int, Event) -> Bool = { _, _ in true }
    ) -> LogPiece? {
        var log = RunLog()
        var moved: [Slice: Slice] = [:]
        var index = first
        while index < end, log.count < bounds.events, log.arena.count < bounds.bytes {
            var event = source.event(at: index)
            if !event.payload.isNone {
                if let known = moved[event.payload] {
                    event.payload = known
                } else if wants(index, event) {
                    let start = log.arena.count
                    guard source.append(event.payload, to: &log.arena) else {
                        log.deallocate()
                        return nil
                    }
                    let slice = Slice(from: start, to: log.arena.count)
                    moved[event.payload] = slice
                    event.payload = slice
                } else {
                    event.payload = .none
                }
            }
            log.append(event)
            index += 1
        }
        log.trim()
        return LogPiece(run: run, plan: plan, first: first, log: log)
    }
}
