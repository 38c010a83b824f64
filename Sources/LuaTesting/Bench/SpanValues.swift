internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine
internal import WorkflowTelemetry

/// The spans of a run under test, as tests see them.
enum SpanValues {
    /// `{ name, kind, status, message?, parent?, attributes, events }` each; `parent` is the name of the span around it.
    static func list(_ run: Run) -> Value {
        let spans = SpanBuilder.spans(plan: run.plan, runID: run.id, log: run.log)
        var names: [SpanID: String] = [:]
        for span in spans { names[span.id] = span.name }
        return Value(array: spans.map { value($0, parent: $0.parent.flatMap { names[$0] }) })
    }

    /// The spans of a run as they are sent: in a trace of its own, and as if the test had begun now.
    ///
    /// - Parameter id: the run's in the trace, unlike that of any other run of a test that was ever sent.
    static func exported(_ run: Run, as id: String) -> [Span] {
        let offset = SystemClock().now() - TestBench.startOfTime
        return SpanBuilder.spans(plan: run.plan, runID: id, log: run.log).map { span in
            var span = span
            span.start += offset
            span.end += offset
            for index in span.events.indices { span.events[index].time += offset }
            return span
        }
    }

    private static func value(_ span: Span, parent: String?) -> Value {
        var entries: [(String, Value)] = [("name", Value(span.name)), ("kind", Value("\(span.kind)"))]
        switch span.status {
        case .unset: entries.append(("status", "unset"))
        case .ok: entries.append(("status", "ok"))
        case .error(let message): entries += [("status", "error"), ("message", Value(message))]
        }
        if let parent { entries.append(("parent", Value(parent))) }
        entries.append(("attributes", value(span.attributes)))
        entries.append(
            (
                "events",
                Value(
                    array: span.events.map { ["name": Value($0.name), "attributes": value($0.attributes)] as Value })
            ))
        return Value(entries: entries)
    }

    private static func value(_ attributes: Attributes) -> Value {
        Value(
            entries: attributes.items.map { item in
                let value: Value =
                    switch item.value {
                    case .string(let text): Value(text)
                    case .int(let number): Value(number)
                    case .double(let number): Value(number)
                    case .bool(let flag): Value(flag)
                    case .strings(let texts): Value(array: texts.map { Value($0) })
                    }
                return (item.key, value)
            })
    }
}
