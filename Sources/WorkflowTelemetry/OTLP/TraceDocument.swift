/// Spans as the text of one OTLP request.
package enum TraceDocument {
    /// - Parameter resource: what the process says of itself, such as `service.name`.
    package static func json(_ spans: [Span], resource: Attributes) -> String {
        let text = SpanText()
        let body = ExportEnvelope(.traces, resource: resource).body(spans.compactMap { text.piece($0) })
        return String(decoding: body, as: UTF8.self)
    }
}
