package import FlatValue

/// Where a run's log says in which trace the run lies.
package struct TraceOrigin: Sendable, Equatable {
    /// What the run, or the one that it was taken from, was started with for its trace: `{ telemetry?, traceparent?, source? }`; none
    /// for nothing.
    package internal(set) var given = Slice.none
    /// Why the run was taken from another one: `{ reason, run, path?, traceparent?, caller? }`, where `traceparent` is that one's
    /// caller and `caller` the run's own; none where it was not. With it the run left the trace of the other one's caller.
    package internal(set) var fork = Slice.none

    package init() {}

    /// What says who called the run.
    package var newest: Slice { fork.isNone ? given : fork }

    /// The caller of the run, as W3C's header, in whose trace it lies; nil for a trace of its own.
    package func caller(in log: RunLog) -> String? {
        if !fork.isNone { return log.value(fork)["caller"]?.string }
        return given.isNone ? nil : log.value(given)["traceparent"]?.string
    }
}
