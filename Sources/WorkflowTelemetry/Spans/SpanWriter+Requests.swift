internal import FlatValue
internal import WorkflowCore
internal import WorkflowEngine

extension SpanWriter {
    /// What a span says of an HTTP request, by the journal's record of it: `{ method, url, host, port, status? }`.
    func describe(_ span: inout Span, http record: Value) {
        span.kind = .client
        var attributes = span.attributes
        attributes.set(Names.requestMethod, (record["method"]?.string).map(short))
        attributes.set(Names.requestURL, record["url"]?.string.map { RecordedContent.cut(redaction.redact($0)) })
        attributes.set(Names.serverAddress, (record["host"]?.string).map(short))
        if let port = record["port"]?.int { attributes[Names.serverPort] = .int(port) }
        attributes[Names.observationType] = .string("span")
        if let status = record["status"]?.int {
            attributes[Names.responseStatus] = .int(status)
            // The status of an answer says what went wrong; no exception was raised.
            if status >= 400 {
                attributes[Names.errorType] = .string(String(status))
                attributes[Names.level] = .string("ERROR")
                span.status = .error("HTTP \(status)")
            }
        }
        span.attributes = attributes
    }
}
