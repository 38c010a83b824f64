internal import WorkflowCore

/// Where a trace that began elsewhere goes on: W3C's `traceparent`.
public struct TraceParent: Sendable, Equatable {
    public var trace: TraceID
    public var span: SpanID
    /// Whether the caller records the trace.
    public var isSampled: Bool

    public init(trace: TraceID, span: SpanID, isSampled: Bool = true) {
        self.trace = trace
        self.span = span
        self.isSampled = isSampled
    }

    /// Reads the header; nil for what ``TraceParentText`` refuses.
    public init?(_ text: String) {
        guard let parts = TraceParentText.parts(of: text), let trace = TraceID(hex: parts.trace),
            let span = SpanID(hex: parts.span)
        else { return nil }
        self.init(trace: trace, span: span, isSampled: parts.flags & 1 == 1)
    }

    public var text: String { "00-\(trace.hex)-\(span.hex)-\(isSampled ? "01" : "00")" }
}
