package import FlatValue
internal import WorkflowCore
package import WorkflowEngine

/// Sends W3C's `traceparent` with each HTTP request of a step, so that what serves it goes on in the run's trace, in the span of
/// the request.
///
/// A header of that name which the script gives stays. Where nobody sends the run's spans the header says that they are not
/// recorded; it names them all the same, since they can be sent later.
package final class TracedEffects: HostGateway {
    private let inner: any HostGateway
    private let isSent: Bool

    /// - Parameters:
    ///   - inner: what carries the operations out.
    ///   - isSent: whether the spans of runs are sent somewhere.
    package init(_ inner: any HostGateway, isSent: Bool) {
        self.inner = inner
        self.isSent = isSent
    }

    package func narrowed(_ grant: Value?, by limits: [Value]) -> Value { inner.narrowed(grant, by: limits) }

    package func begin(_ call: HostCall, answer: @escaping @Sendable (HostAnswer) -> Void) -> (any HostOperation)? {
        guard call.operation == "http" || call.operation == "http.open", let entries = call.payload.entries
        else {
            return inner.begin(call, answer: answer)
        }
        let headers = call.payload["headers"]?.entries ?? []
        if headers.contains(where: { $0.key.lowercased() == "traceparent" }) {
            return inner.begin(call, answer: answer)
        }
        let parent = TraceParent(call, isSent: isSent)
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
    init(_ call: HostCall, isSent: Bool) {
        let outer = call.traceparent.flatMap { TraceParent($0) }
        self.init(
            trace: outer?.trace ?? TraceID(run: call.run),
            span: SpanID.random,
            isSampled: outer?.isSampled ?? isSent)
    }
}
