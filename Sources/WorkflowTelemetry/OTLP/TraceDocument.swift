internal import WorkflowEngine

/// Spans as the text of one OTLP request.
package enum TraceDocument {
    /// - Parameter resource: what the process says of itself, such as `service.name`.
    package static func json(_ spans: [Span], resource: Attributes) -> String {
        var payload = TracePayload(resource: resource, version: engineVersion)
        for span in spans { payload.add(span) }
        return String(decoding: payload.finish(), as: UTF8.self)
    }
}
