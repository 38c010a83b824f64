internal import Logging

/// Hands what steps logged to a logger, each entry with its run, its path and its span.
enum LogBridge {
    static func take(_ portion: RunSpanFeed.Portion, _ logger: Logger) {
        for span in portion.spans {
            for event in span.events where event.isLog {
                var metadata: Logger.Metadata = [
                    "run": "\(portion.run)", "trace_id": "\(span.trace.hex)", "span_id": "\(span.id.hex)",
                ]
                if let path = span.attributes[Names.stepPath]?.text { metadata["path"] = "\(path)" }
                let level = event.attributes[Names.logLevel]?.text.flatMap { levels[$0] } ?? .info
                let message = event.attributes[Names.logMessage]?.text ?? "(not recorded)"
                logger.log(level: level, "\(message)", metadata: metadata)
            }
        }
    }

    private static let levels: [String: Logger.Level] = [
        "debug": .debug, "info": .info, "warn": .warning, "error": .error,
    ]
}
