internal import FlatValue
internal import Logging
internal import WorkflowCore
internal import WorkflowEngine

/// The log of a server on standard error: one line an entry, as text or as a JSON object. Whoever logs never waits for its reader.
final class ServeLog: Sendable {
    private let lines: LogLines
    private let clock = SystemClock()
    private let output: LogOutput

    init(_ format: LogFormat) {
        let (lines, clock) = (LogLines(format, style: Style(hasColours: false)), clock)
        self.lines = lines
        output = LogOutput { count in
            lines.line(
                "warn", "the log was not read in time, and lacks entries", [("entries", Value(Int64(count)))],
                at: clock.now())
        }
    }

    func info(_ message: String, _ fields: KeyValuePairs<String, Value> = [:]) {
        write("info", message, fields.map { ($0, $1) })
    }
    func warn(_ message: String, _ fields: KeyValuePairs<String, Value> = [:]) {
        write("warn", message, fields.map { ($0, $1) })
    }
    /// The last entry of a process that ends at once: returns when it is written, as far as somebody reads it.
    func warnAtEnd(_ message: String) {
        warn(message)
        output.drain()
    }
    func error(_ message: String, _ fields: KeyValuePairs<String, Value> = [:]) {
        write("error", message, fields.map { ($0, $1) })
    }

    /// What a script logs.
    func write(_ record: LogRecord) { write(line: lines.line(record)) }

    func write(_ level: String, _ message: String, _ fields: [(String, Value)]) {
        write(line: lines.line(level, message, fields, at: clock.now()))
    }

    private func write(line: String) { output.write(line) }

    /// Runs what logs; takes no more entries then, and returns when all are written, or their reader takes too long.
    func written(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch {
            await output.finish()
            throw error
        }
        await output.finish()
    }

    /// A logger for libraries; below warnings they are silent.
    var logger: Logger {
        var logger = Logger(label: "aikit-lua") { _ in LibraryLog(log: self) }
        logger.logLevel = .warning
        return logger
    }
}

/// Brings what libraries log into the log of the server.
private struct LibraryLog: LogHandler {
    let log: ServeLog
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.warning

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, Value("\($0.value)")) }
        log.write(event.level == .warning ? "warn" : event.level.rawValue, "\(event.message)", fields)
    }
}
