internal import FlatValue
internal import WorkflowCore

/// What steps logged as OTLP's JSON has it: each entry with the trace and the span in which it was logged.
enum LogText {
    /// OpenTelemetry's numbers of the levels.
    private static let severities: [String: Int64] = ["debug": 5, "info": 9, "warn": 13, "error": 17]

    /// What was logged in a span as a part of a request, cut to the size of one; nil for nothing.
    static func piece(_ span: Span) -> ExportPiece? {
        var piece: ExportPiece = []
        for record in records(span) {
            let text = record.json.utf8
            guard piece.count + text.count < BatchExporter.requestBytes else { break }
            if !piece.isEmpty { piece.append(UInt8(ascii: ",")) }
            piece += text
        }
        return piece.isEmpty ? nil : piece
    }

    static func records(_ span: Span) -> [Value] {
        span.events.filter(\.isLog).map { event in
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
            var attributes = Attributes(span.attributes.items.filter { Names.ofLogs.contains($0.key) })
            if event.sequence > 0 {
                attributes[Names.logRun] = .string(span.run)
                attributes[Names.logSequence] = .int(Int64(event.sequence))
            }
            entries.append(("attributes", attributes.otlp))
            return Value(entries: entries)
        }
    }
}

extension Span.Event {
    /// Whether it is an entry of the log; a step may emit events of that name.
    var isLog: Bool { name == Names.log && attributes[Names.logLevel] != nil }
}
