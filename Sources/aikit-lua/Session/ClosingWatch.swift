internal import WorkflowCore

/// How long a run that was asked to stop may take for what its workflow does on the way to its end.
///
/// A stop does not interrupt what undoes steps, nor a completion handler, as they are there to be called then. One that does not
/// return would keep the process, so the time for them is bounded from the stop on.
struct ClosingWatch {
    /// For the completion handler, in nanoseconds.
    static let handlerTime: UInt64 = 2_000_000_000
    /// For each step that is undone, in nanoseconds.
    static let undoingTime: UInt64 = 10_000_000_000

    private enum Work {
        case handler, undoing
    }

    /// What is under way, and since when.
    private var work: (kind: Work, since: UInt64)?
    private var stopAskedAt: UInt64?

    /// When the run is given up, in nanoseconds of the monotonic clock; nil while nothing is to be given up.
    var deadline: UInt64? {
        guard let work, let stopAskedAt else { return nil }
        return max(work.since, stopAskedAt) + (work.kind == .handler ? Self.handlerTime : Self.undoingTime)
    }

    /// What is under way, in words.
    var name: String {
        switch work?.kind {
        case .undoing: "what undoes a step"
        case .handler, nil: "its completion handler"
        }
    }

    /// The run has been asked to stop; only the first time counts.
    mutating func askToStop(at now: UInt64) { if stopAskedAt == nil { stopAskedAt = now } }

    mutating func take(_ events: [ProgressEvent], at now: UInt64) {
        for event in events {
            switch event.kind {
            case .closingStart: work = (kind: event.place == .run ? Work.handler : Work.undoing, since: now)
            case .closingSuccess, .closingError: work = nil
            default: break
            }
        }
    }
}
