internal import Platform
internal import WorkflowEngine

/// How long something has waited for the store, and when it is tried again.
struct RetryPause {
    private let since = monotonicNanoseconds()
    private var next: UInt64 = 0
    private var length: UInt64 = 10_000_000
    /// The codes of the errors that somebody has been told of.
    var toldCodes: Set<JournalError.Code> = []

    private static let longestPause: UInt64 = 1_000_000_000

    /// In nanoseconds.
    var age: Int64 { Int64(clamping: monotonicNanoseconds() - since) }

    var remaining: UInt64 {
        let now = monotonicNanoseconds()
        return next > now ? next - now : 0
    }

    /// With the next try after a pause, which is longer each time, and different from that of other processes.
    func postponed() -> RetryPause {
        var pause = self
        pause.length = min(length * 2, Self.longestPause)
        pause.next = monotonicNanoseconds() + UInt64.random(in: pause.length / 2...pause.length)
        return pause
    }
}
