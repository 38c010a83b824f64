internal import Logging
internal import Synchronization
internal import WorkflowCore
internal import WorkflowEngine

/// The log of a server on standard error: one line an entry, as text or as a JSON object.
final class ServeLog: Sendable {
    enum Format: String, CaseIterable { case text, json }

    private let format: Format
    private let clock = SystemClock()
    private let writing = Mutex(())

    init(_ format: Format) { self.format = format }

    func info(_ message: String, _ fields: KeyValuePairs<String, Value> = [:]) {
        write("info", message, fields.map { ($0, $1) })
    }
    func warn(_ message: String, _ fields: KeyValuePairs<String, Value> = [:]) {
        write("warn", message, fields.map { ($0, $1) })
    }
    func error(_ message: String, _ fields: KeyValuePairs<String, Value> = [:]) {
        write("error", message, fields.map { ($0, $1) })
    }

    /// What a script logs.
    func write(_ record: LogRecord) {
        var fields: [(String, Value)] = [
            ("workflow", Value(record.workflow)), ("run", Value(record.run)), ("path", Value(record.path)),
        ]
        fields.removeAll { $0.1.string?.isEmpty == true }
        if let more = record.fields { fields.append(("fields", more)) }
        write(record.level.rawValue, record.message, fields)
    }

    func write(_ level: String, _ message: String, _ fields: [(String, Value)]) {
        let line: String
        switch format {
        case .json:
            let head: [(String, Value)] = [
                ("time", Value(clock.now() / 1000)), ("level", Value(level)), ("message", Value(message)),
            ]
            line = Value(entries: head + fields).json
        case .text:
            let time = TimeText.text(microseconds: clock.now())
            let more = fields.map { " \($0.0)=\($0.1.string ?? $0.1.json)" }.joined()
            line = "\(time) \(level) \(message)\(more)"
        }
        writing.withLock { _ in TextStream.errors.writeLine(line) }
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
