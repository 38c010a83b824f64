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

    /// Reads `00-<trace>-<span>-<flags>`; a later version may have more behind it. Nil for other text.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0].utf8.count == 2, parts[0] != "ff", UInt8(parts[0], radix: 16) != nil,
            parts[0] != "00" || parts.count == 4, parts[3].utf8.count == 2, let flags = UInt8(parts[3], radix: 16),
            let trace = TraceID(hex: parts[1]), let span = SpanID(hex: parts[2])
        else { return nil }
        self.init(trace: trace, span: span, isSampled: flags & 1 == 1)
    }

    public var text: String { "00-\(trace.hex)-\(span.hex)-\(isSampled ? "01" : "00")" }
}
