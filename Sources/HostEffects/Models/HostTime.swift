internal import WorkflowEngine

/// The clocks of the host's own waits, which no test moves.
enum HostTime {
    /// Microseconds of a clock that nobody sets.
    static func now() -> Int64 { SystemClock().elapsed() }
    /// Milliseconds since 1970.
    static func milliseconds() -> Int64 { SystemClock().now() / 1000 }
}
