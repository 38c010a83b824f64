internal import WorkflowCore
internal import WorkflowEngine

/// The spans of all runs that a follower follows, as they end.
enum RunSpanFeed {
    /// What a run's journal has newly given: the spans that have ended, and the span elsewhere in which the run lies.
    struct Portion {
        var run: String
        var spans: [Span]
        var caller: TraceParent?
    }

    /// Gives spans until the follower has finished, or the task is cancelled.
    static func run(_ follower: JournalFollower, _ take: (Portion) -> Void) async {
        var builders: [String: Builder] = [:]
        await follower.run { notice in
            switch notice {
            case .grown(let run, let plan, let log, let past):
                let builder = builders[run] ?? Builder(plan: plan, runID: run)
                builders[run] = builder
                let spans = builder.take(log, past: past)
                if !spans.isEmpty { take(Portion(run: run, spans: spans, caller: builder.caller)) }
            case .left(let run): builders[run] = nil
            }
        }
    }

    /// The builder of one run's spans, to be kept by reference.
    private final class Builder {
        private var builder: SpanBuilder

        init(plan: Plan, runID: String) { builder = SpanBuilder(plan: plan, runID: runID) }

        var caller: TraceParent? { builder.caller }

        func take(_ log: RunLog, past: Int) -> [Span] { builder.take(log, past: past) }
    }
}
