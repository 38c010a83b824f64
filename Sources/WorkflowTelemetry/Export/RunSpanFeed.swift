internal import WorkflowCore
internal import WorkflowEngine

/// The spans of all runs that a follower follows, as they end.
enum RunSpanFeed {
    /// What a run's journal has newly given: the spans that have ended, and the span elsewhere in which the run lies.
    struct Portion {
        var run: String
        var spans: [Span]
        var caller: TraceParent?
        /// How many ended besides that nobody wanted.
        var unwanted = 0
        /// Nothing more comes of the run, or all that comes begins a new stretch of it.
        var isLast = false
    }

    /// Gives spans until the follower has finished, or the task is cancelled.
    ///
    /// - Parameters:
    ///   - told: up to which entry of a run all that had ended was told of elsewhere, where that is known besides; asked when the
    ///     run begins to be followed, by the task that calls this.
    ///   - demand: asked when a span has ended, by the task that calls this.
    ///   - take: gets what has ended, and may wait for its turn to do something with it.
    static func run(
        _ follower: JournalFollower, told: (String) -> Int = { _ in 0 },
        demand: @escaping SpanBuilder.Asking = { _, _, _ in .whole },
        _ take: (Portion) async -> Void
    ) async {
        var builders: [String: Builder] = [:]
        await follower.run { notice in
            switch notice {
            case .grown(let run, let plan, let log, let past):
                let builder = builders[run] ?? Builder(plan: plan, runID: run, told: told(run), demand)
                builders[run] = builder
                let portion = builder.take(log, past: past)
                if !portion.spans.isEmpty || portion.unwanted > 0 { await take(portion) }
            case .left(let run):
                if builders.removeValue(forKey: run) != nil {
                    await take(Portion(run: run, spans: [], caller: nil, isLast: true))
                }
            }
        }
    }

    /// The builder of one run's spans, to be kept by reference.
    private final class Builder {
        private let runID: String
        private let told: Int
        private var builder: SpanBuilder

        init(plan: Plan, runID: String, told: Int, _ demand: @escaping SpanBuilder.Asking) {
            self.runID = runID
            self.told = told
            builder = SpanBuilder(plan: plan, runID: runID, demand: demand)
        }

        func take(_ log: RunLog, past: RunPast) -> Portion {
            // Of another run of that id nothing is past.
            let past = RunPast(count: past.count, told: max(past.told, min(told, past.count)))
            let spans = builder.take(log, past: past)
            defer { builder.forget() }
            return Portion(run: runID, spans: spans, caller: builder.caller, unwanted: builder.unwanted)
        }
    }
}
