internal import FlatValue
internal import WorkflowCore

/// Where a run's spans begin and end together: at waits, where a process died, where a fork begins.
extension SpanBuilder {
    mutating func begin() {
        stretch += 1
        var span = Span(
            trace: trace, id: SpanID(run: runID, path: "", attempt: 1, occurrence: stretch),
            parent: caller?.span, name: settings.name ?? plan.id, start: now, end: now)
        if let lastRoot { span.links = [lastRoot] }
        lastRoot = Span.Link(trace: trace, span: span.id)
        writer.describeRun(&span, input: input)
        root = span
        for (frame, _) in open.sorted(by: { $0.value.order < $1.value.order }) { goOn(frame) }
    }

    /// Begins the part of a span that lies in the stretch which has just begun.
    mutating func goOn(_ frame: Int32) {
        guard var entry = open[frame] else { return }
        let id = SpanID(
            run: runID, path: entry.path + entry.part, attempt: entry.attempt, occurrence: entry.occurrence,
            stretch: stretch)
        entry.span.links = entry.earlier.map { [Span.Link(trace: trace, span: $0)] } ?? []
        entry.span.id = entry.earlier == nil ? firstID(entry) : id
        entry.span.trace = trace
        entry.span.parent = parent(of: frame)
        entry.span.events = []
        entry.span.start = now
        open[frame] = entry
    }

    func firstID(_ entry: OpenSpan) -> SpanID {
        SpanID(run: runID, path: entry.path + entry.part, attempt: entry.attempt, occurrence: entry.occurrence)
    }

    /// Ends the stretch at the newest entry, and with it what is under way.
    mutating func endStretch(_ event: String) {
        guard root != nil else { return }
        for (frame, entry) in open.sorted(by: { $0.value.order > $1.value.order }) {
            var entry = entry
            tellUsage(&entry)
            var span = entry.span
            span.events.append(Span.Event(name: event, time: now, attributes: [:]))
            span.end = now
            ended += MadeSpan.spans(entry.made, in: span, writer)
            ended.append(span)
            open[frame]?.made = []
            open[frame]?.usage = ModelUsage()
            open[frame]?.earlier = span.id
        }
        endRoot { $0.events.append(Span.Event(name: event, time: $0.end, attributes: [:])) }
    }

    mutating func endRoot(_ finish: (inout Span) -> Void) {
        guard var span = root else { return }
        span.end = now
        finish(&span)
        ended.append(span)
        root = nil
    }

    mutating func resume(_ event: Event, _ log: RunLog, at before: Int64) {
        switch ResumeCause(rawValue: event.item) {
        case .forked: fork(log.copy(event.payload)?["run"]?.string)
        case .processDied, .processDiedInCompany, .released:
            let resumedAt = now
            now = before
            endStretch(Names.interrupted)
            now = resumedAt
        case .answered, nil: break
        }
        if root == nil, !machine.rests(until: now + Self.longWait) { begin() }
    }

    /// What came before was another run's; this one's spans begin here.
    mutating func fork(_ source: String?) {
        ended = []
        root = nil
        stretch = 0
        caller = nil
        trace = TraceID(run: runID)
        lastRoot = source.map {
            Span.Link(trace: TraceID(run: $0), span: SpanID(run: $0, path: "", attempt: 1, occurrence: 1))
        }
        for frame in open.keys { open[frame]?.earlier = nil }
    }
}
