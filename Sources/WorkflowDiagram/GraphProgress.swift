internal import FlatValue
internal import WorkflowCore

/// How far a node has come in a run, over all of its starts.
struct GraphProgress: Equatable {
    /// nil for a node that was skipped.
    var status: GraphStatus?
    var starts = 0
    var ended = 0
    /// Of all starts that have ended, in milliseconds.
    var time: Int64 = 0

    /// The progress of each node that has started, and of the others if the run is over.
    static func all(of steps: [StepSnapshot], in plan: Plan, isOver: Bool) -> [NodeIndex: GraphProgress] {
        let statuses = GraphStatus.latest(steps)
        var progress: [NodeIndex: GraphProgress] = [:]
        for step in steps {
            var one = progress[step.node] ?? GraphProgress(status: statuses[step.node])
            one.starts += 1
            if let end = step.finishedAt {
                one.ended += 1
                let (time, overflow) = end.subtractingReportingOverflow(step.startedAt)
                if !overflow { one.time = one.time.addingReportingOverflow(max(0, time)).partialValue }
            }
            progress[step.node] = one
        }
        if isOver {
            for index in plan.nodes.indices.dropFirst() where progress[NodeIndex(index)] == nil {
                progress[NodeIndex(index)] = GraphProgress(status: nil)
            }
        }
        return progress
    }

    /// The word for its state, which is also the class of the node in the picture.
    var name: String { status?.rawValue ?? "skipped" }

    /// How many of several starts have ended, such as `7/12`; nil for a single one.
    var count: String? { starts > 1 ? "\(ended)/\(starts)" : nil }

    /// How long it took, in words; nil while nothing has ended.
    var duration: String? {
        guard ended > 0 else { return nil }
        let (microseconds, overflow) = time.multipliedReportingOverflow(by: 1000)
        let text = overflow ? "\(time) ms" : DurationText.text(microseconds: microseconds)
        return ended > 1 ? "\(text) in all" : text
    }

    /// The sign in the mark of its box, as a path around the origin: shapes tell states apart where colours do not.
    var sign: String {
        switch status {
        case .success: "M-3.5 0.3l2.3 2.3 4.6-5.2"
        case .failed: "M-3 -3l6 6M3 -3l-6 6"
        case .running: "M0 -4a4 4 0 1 1 -4 4"
        case .waiting: "M-1.6 -3v6M1.6 -3v6"
        case .cancelled: "M-2.8 2.8l5.6-5.6"
        case nil: "M-3.5 0h7"
        }
    }

    var colours: (fill: String, line: String) { status?.colours ?? ("#f8fafc", "#64748b") }
}
