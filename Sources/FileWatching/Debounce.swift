/// Waits until a burst of changes is over, though not for ever. Times are nanoseconds of any one clock.
struct Debounce: Equatable {
    /// How long nothing may have happened before the burst counts as over.
    var quiet: UInt64
    /// How long a burst may be waited out.
    var limit: UInt64
    private var first: UInt64?
    private var last: UInt64 = 0

    init(quiet: UInt64 = 30_000_000, limit: UInt64 = 250_000_000) {
        self.quiet = quiet
        self.limit = limit
    }

    mutating func change(at now: UInt64) {
        if first == nil { first = now }
        last = now
    }

    /// When ``fire(at:)`` gives true; nil while nothing has changed.
    var deadline: UInt64? { first.map { min(last + quiet, $0 + limit) } }

    /// Whether the burst is over; a new one begins with the next change.
    mutating func fire(at now: UInt64) -> Bool {
        guard let deadline, deadline <= now else { return false }
        first = nil
        return true
    }
}
