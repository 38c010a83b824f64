internal import FlatValue
internal import WorkflowCore

/// What steps logged as the body of an OTLP/HTTP request in JSON: each entry with the trace and the span in which it was logged.
enum LogPayload {
    /// OpenTelemetry's numbers of the levels.
    private static let severities: [String: Int64] = ["debug": 5, "info": 9, "warn": 13, "error": 17]

    /// - Returns: nil where nothing was logged in the spans.
    static func body(_ spans: [Span], resource: Attributes, version: String) -> [UInt8]? {
        let records = spans.flatMap { Self.records($0) }
        if records.isEmpty { return nil }
        let document: Value = [
            "resourceLogs": [
                [
                    "resource": ["attributes": resource.otlp],
                    "scopeLogs": [
                        [
                            "scope": ["name": "aikit-lua", "version": Value(version)],
                            "logRecords": Value(array: records),
                        ]
                    ],
                ]
            ]
        ]
        return Array(document.json.utf8)
    }

    static func records(_ span: Span) -> [Value] {
        span.events.filter { $0.name == Names.log }.map { event in
            let level = event.attributes[Names.logLevel]?.text ?? "info"
            let time = Value(otlpTime(event.time))
            var entries: [(String, Value)] = [
                ("timeUnixNano", time), ("observedTimeUnixNano", time),
                ("severityNumber", Value(severities[level] ?? 9)), ("severityText", Value(level.uppercased())),
                ("traceId", Value(span.trace.hex)), ("spanId", Value(span.id.hex)), ("flags", 1),
            ]
            if let message = event.attributes[Names.logMessage]?.text {
                entries.append(("body", ["stringValue": Value(message)]))
            }
            let attributes = span.attributes.items.filter { Names.ofLogs.contains($0.key) }
            entries.append(("attributes", Attributes(attributes).otlp))
            return Value(entries: entries)
        }
    }
}
