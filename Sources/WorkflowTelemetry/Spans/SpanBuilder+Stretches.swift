internal import FlatValue
internal import WorkflowCore

/// Where a run's spans begin and end together: at waits, where a process died, where a fork begins.
extension SpanBuilder {
    mutating func begin() {
        var span = Span(
            trace: trace, id: SpanID(run: runID, path: "", attempt: 1, occurrence: stretches.number),
            parent: caller?.span, name: template.traceName, start: now, end: now)
        if let lastRoot { span.links = [lastRoot] }
        lastRoot = Span.Link(trace: trace, span: span.id)
        root = span
        for (frame, _) in open.sorted(by: { $0.value.order < $1.value.order }) { goOn(frame) }
    }

    /// Begins the part of a span that lies in the stretch which has just begun.
    private mutating func goOn(_ frame: Int32) {
        let parent = parent(of: frame)
        let isPart = open[frame]?.earlier != nil
        open[frame]?.id = nil
        open[frame]?.laterStretch = isPart ? stretches.number : nil
        open[frame]?.parent = parent
        open[frame]?.start = now
        open[frame]?.told = []
        open[frame]?.untold = 0
    }

    /// Ends the stretch at the newest entry, and with it what is under way.
    ///
    /// - Parameter failure: why code that was under way does not go on; nil where there was none, since the run waits.
    mutating func endStretch(_ name: String, _ log: RunLog, failing failure: MadeSpan.Failure? = nil) {
        guard root != nil else { return }
        let event = Span.Event(name: name, time: now, attributes: [:])
        for (frame, entry) in open.sorted(by: { $0.value.order > $1.value.order }) {
            guard let id = id(of: frame) else { continue }
            if let writer = self.writer() {
                var span = made(entry, id, log, writer)
                span.events.append(event)
                var made = entry.made
                made.end(at: now, failing: failure)
                append(span, made, writer)
            }
            open[frame]?.made = MadeSpans()
            open[frame]?.usage = ModelUsage()
            open[frame]?.earlier = id
        }
        endRoot { _, span in span.events.append(event) }
    }

    mutating func endRoot(_ finish: (SpanWriter, inout Span) -> Void) {
        guard var span = root else { return }
        root = nil
        guard let writer = self.writer() else { return }
        span.end = now
        span.isBrief = !writer.isFull
        span.role = .run
        span.workflow = writer.template.workflow
        writer.describeRun(&span, input: input)
        finish(writer, &span)
        ended.append(span)
    }

    /// What is under way ends with the newest entry before.
    ///
    /// - Parameter reason: why, as the journal says; nil where it does not.
    mutating func interrupt(at before: Int64, _ log: RunLog, reason: String?) {
        let resumedAt = now
        now = before
        let message = "the step was interrupted before it ended" + (reason.map { ": \($0)" } ?? "")
        endStretch(Names.interrupted, log, failing: MadeSpan.Failure(code: "interrupted", message: message))
        now = resumedAt
    }

    /// What came before was another run's; this one's spans begin here.
    ///
    /// - Parameter cause: `{ run?, traceparent?, caller? }`: the run that this one was taken from, its caller where it is another one
    ///   than that of what came before, null for none, and this one's own.
    mutating func fork(_ cause: Value?) {
        forget()
        root = nil
        lastRoot = cause?["run"]?.string.map { run in
            let own = cause?["traceparent"].map { $0.string.flatMap { TraceParent($0) } }
            return Self.begin(of: run, in: own ?? caller)
        }
        caller = cause?["caller"]?.string.flatMap { TraceParent($0) }
        trace = caller?.trace ?? TraceID(run: runID)
        for frame in open.keys {
            open[frame]?.earlier = nil
            open[frame]?.made = MadeSpans()
        }
    }

    /// The first span of another run.
    ///
    /// - Parameter caller: the span in which that run lies; nil for none.
    static func begin(of run: String, in caller: TraceParent?) -> Span.Link {
        Span.Link(
            trace: caller?.trace ?? TraceID(run: run), span: SpanID(run: run, path: "", attempt: 1, occurrence: 1))
    }
}
