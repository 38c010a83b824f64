internal import FlatValue
internal import WorkflowCore

/// The stretches of a run's trace, as far as somebody has asked for them: few steps ask, so the log is read when one does.
final class ReadStretches {
    private var tracker: StretchTracker
    private var taken = 0

    init(_ plan: Plan) { tracker = StretchTracker(plan: plan) }

    /// The number of the stretch where the newest attempt of a frame goes on in a later one than it began in; nil in its first.
    ///
    /// - Parameter log: the same one that was read before, or what it has become since.
    func laterStretch(of frame: Int32, in log: RunLog) -> Int? {
        while taken < log.count {
            _ = tracker.follow(log[taken], log)
            taken += 1
        }
        return tracker.laterStretch(of: frame)
    }
}
