/// How long one attempt of a callback may take, from its first entry into code to its last. It travels with the call: every
/// entry (the first call, each answer of the host, the functions of its schemas) is given what is left of it.
package struct CallLimits: Sendable, BitwiseCopyable {
    /// When code that runs is stopped, in nanoseconds of the monotonic clock; 0 for never.
    package var deadline: UInt64
    /// CPU time that is left, in nanoseconds; 0 for any.
    package var cpu: UInt64
    /// When a call that waits is stopped, in microseconds of ``EngineClock/elapsed()``; `.max` for never.
    package var until: Int64

    package init(deadline: UInt64 = 0, cpu: UInt64 = 0, until: Int64 = .max) {
        self.deadline = deadline
        self.cpu = cpu
        self.until = until
    }

    package static let none = CallLimits()

    /// Takes used CPU time off what is left, which never becomes "any".
    package mutating func spend(_ nanoseconds: UInt64) {
        if cpu > 0 { cpu = cpu > nanoseconds ? cpu - nanoseconds : 1 }
    }
}

/// What became of the functions that a validation asked.
package enum SchemaCalls: Sendable {
    /// None was called.
    case none
    /// Some were, so time has passed.
    case some
    /// One was stopped from outside; the verdict of the validation means nothing.
    case stopped
}
