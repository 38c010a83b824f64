/// Notices that a clock was set back, so that nothing waits until it comes again to a time that has been.
package struct ClockWatch: Sendable {
    private var latest = Int64.max

    /// By how much the clocks of processes and the order of their looks may differ, in microseconds.
    package static let tolerance: Int64 = 1_000_000

    package init() {}

    /// Whether the time, in microseconds since 1970, lies before the one that was given last; true for the first one.
    package mutating func isSetBack(at now: Int64) -> Bool {
        defer { latest = now }
        return now < latest - Self.tolerance
    }
}
