package import FlatValue
internal import WorkflowCore
package import WorkflowEngine

/// Sends W3C's `traceparent` with each HTTP request of a step, so that what serves it goes on in the run's trace, in the span of
/// the request.
///
/// A header of that name which the script gives stays. Where the trace is not sent the header says that it is not recorded; it names
/// the span all the same, since it can be sent later.
package final class TracedEffects: HostGateway {
    private let inner: any HostGateway
    private let settings: ExportSettings?

    /// - Parameters:
    ///   - inner: what carries the operations out.
    ///   - settings: which traces are sent; nil for none.
    package init(_ inner: any HostGateway, _ settings: ExportSettings?) {
        self.inner = inner
        self.settings = settings
    }

    package func narrowed(_ grant: Value?, by limits: [Value]) -> Value { inner.narrowed(grant, by: limits) }

    package var usualGrant: Value { inner.usualGrant }

    package func excess(of grant: Value) -> String? { inner.excess(of: grant) }

    package func begin(_ call: HostCall, answer: @escaping @Sendable (HostAnswer) -> Void) -> (any HostOperation)? {
        guard call.operation == "http" || call.operation == "http.open", let entries = call.payload.entries
        else {
            return inner.begin(call, answer: answer)
        }
        let headers = call.payload["headers"]?.entries ?? []
        if headers.contains(where: { $0.key.lowercased() == "traceparent" }) {
            return inner.begin(call, answer: answer)
        }
        let parent = TraceParent(call, settings)
        let all = headers.map { ($0.key, $0.value) } + [("traceparent", Value(parent.text))]
        var traced = call
        traced.payload = Value(
            entries: entries.map { ($0.key, $0.value) } + [("headers", Value(entries: all))])
        return inner.begin(traced) { result in
            guard let span = result.usage?["span"]?.entries else { return answer(result) }
            var named = result
            let id: [(String, Value)] = [("id", Value(parent.span.hex))]
            named.usage = ["span": Value(entries: span.map { ($0.key, $0.value) } + id)]
            answer(named)
        }
    }
}

extension TraceParent {
    /// A span of its own in the trace of the step that asks the host for something.
    init(_ call: HostCall, _ settings: ExportSettings?) {
        let outer = call.traceparent.flatMap { TraceParent($0) }
        let trace = outer?.trace ?? TraceID(run: call.run)
        // Who sends nothing passes on what the caller says.
        var isSampled = outer?.isSampled ?? false
        if let settings, !settings.endpoints.isEmpty, !call.isTraceOff {
            isSampled = settings.samples(trace, caller: outer)
        }
        self.init(trace: trace, span: SpanID.random, isSampled: isSampled)
    }
}
