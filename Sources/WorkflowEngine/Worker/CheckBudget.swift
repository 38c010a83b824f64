internal import Platform
internal import WorkflowCore

/// What is left for one validation: for the work on the value and for the functions of the script that it asks. It belongs to the
/// thread that validates.
package struct CheckBudget {
    package private(set) var limits = CallLimits.none
    package private(set) var calls = SchemaCalls.none
    /// The CPU time of the thread when the work was first looked at, and how much of it may pass; 0 for any.
    private var began: UInt64 = 0
    private var allowance: UInt64 = 0

    package init() {}

    package mutating func begin(within limits: CallLimits) {
        self.limits = limits
        calls = .none
        began = 0
        allowance = limits.cpu
    }

    package mutating func end() -> SchemaCalls {
        limits = .none
        allowance = 0
        return calls
    }

    /// Notes that a function was called, how much CPU time it took in nanoseconds, and whether it was stopped.
    package mutating func called(spending nanoseconds: UInt64, wasStopped: Bool) {
        limits.spend(nanoseconds)
        calls = wasStopped || calls == .stopped ? .stopped : .some
    }

    /// Whether the work may go on; costs about a microsecond.
    package mutating func mayContinue(isCancelled: Bool) -> Bool {
        if calls == .stopped { return false }
        calls = .some
        var isOver = isCancelled || (limits.deadline != 0 && monotonicNanoseconds() >= limits.deadline)
        if allowance > 0, !isOver {
            let now = threadNanoseconds()
            if began == 0 { began = now }
            isOver = now &- began >= allowance
        }
        if isOver { calls = .stopped }
        return !isOver
    }
}
