/// Where a new run leaves the one that it takes its beginning from.
public enum ForkPoint: Sendable, Equatable {
    /// Before the first start of the node at a path, such as `enrich[3]/translate`.
    case before(String)
    /// Before what made the run fail or what its cancellation stopped: that is done again, and all else that the run had
    /// recorded by then is kept.
    case failure
    /// Before the first step whose code differs between the two plans.
    case change
}

/// Why no run can be forked there.
package struct ForkError: Error, Equatable {
    package enum Code: String, Sendable {
        /// The run has no such step, or never came to it.
        case unknownPath = "unknown_path"
        /// Something before the fork does not fit the new definition.
        case misfit
        /// The run did not fail, or failed before its first step.
        case notFailed = "not_failed"
        /// The run is ending: what it did is being undone.
        case notOver = "not_over"
        /// A step before the fork was undone when the run ended.
        case undone
        /// No step's code has changed.
        case unchanged
    }

    package var code: Code
    package var message: String
}

/// The beginning of a new run that another one recorded.
package struct Fork {
    /// The events in the numbers of the new plan.
    package var events: [Event] = []
    /// How many bytes of the old run's arena they refer to.
    package var arena = 0
    /// The frame that is about to run the node at ``path``; `-1` where several are, or none.
    package var frame: Int32 = -1
    /// Where the new run goes on; empty where it is not one step.
    package var path = ""
    /// Nothing but the run's own input has been taken: the new run begins at its first step.
    package var isAtStart = false
    /// How many ends of steps have been taken over.
    package var steps: Int { events.count { $0.kind == .stepSuccess } }
}
